import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Artifact, loadArtifact as loadShipped } from '../../contracts/artifact.ts'
import { attestationInterfaces } from '../../contracts/attestation-interfaces.ts'

/** Artifacts of contracts/src/test, which nothing but tests deploys. */
export const testArtifactsFolder = join(import.meta.dirname, '../artifacts')
const cache = new Map<string, Artifact>()

/** The artifact of a contract of ours, the tests' own included. */
export function loadArtifact(contractName: string): Artifact {
  const file = join(testArtifactsFolder, `${contractName}.json`)
  if (!cache.has(contractName) && existsSync(file)) cache.set(contractName, JSON.parse(readFileSync(file, 'utf8')))
  return cache.get(contractName) ?? loadShipped(contractName)
}

/** Interface of a contract, or of the attestation service. */
export function abiOf(contractName: string): Artifact['abi'] {
  return attestationInterfaces[contractName] ?? loadArtifact(contractName).abi
}
