import { concatBytes, type Hex, hexToBytes } from './bytes.ts'
import { keccakHex } from './keccak.ts'

/** Preimage of an output root of version 0: version, state root, storage root of the message passer, block hash. */
export function outputV0(stateRoot: Hex, messagePasserStorageRoot: Hex, blockHash: Hex): Uint8Array {
  return concatBytes(
    new Uint8Array(32),
    hexToBytes(stateRoot),
    hexToBytes(messagePasserStorageRoot),
    hexToBytes(blockHash),
  )
}

/** What withdrawals are proven against on L1. Spec: protocol/proposals.md, "L2 Output Commitment Construction". */
export function outputRootV0(stateRoot: Hex, messagePasserStorageRoot: Hex, blockHash: Hex): Hex {
  return keccakHex(outputV0(stateRoot, messagePasserStorageRoot, blockHash))
}
