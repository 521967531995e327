import { type Abi, loadArtifact } from './artifact.ts'
import { attestationInterfaces } from './attestation-interfaces.ts'

/** Interface of one of our contracts, or of the attestation service, by its source's name. */
export function interfaceOf(contractName: string): Abi {
  return attestationInterfaces[contractName] ?? loadArtifact(contractName).abi
}
