import { concatBytes, type Hex, hexToBytes } from './bytes.ts'
import { keccakHex } from './keccak.ts'

/** What an output root of version 0 commits to. */
export type OutputV0 = {
  readonly stateRoot: Hex
  /** Storage root of the L2ToL1MessagePasser. */
  readonly withdrawalStorageRoot: Hex
  readonly blockHash: Hex
}

/** What withdrawals are proven against on L1. Spec: protocol/proposals.md, "L2 Output Commitment Construction". */
export function outputRootV0(output: OutputV0): Hex {
  return keccakHex(encodeOutputV0(output))
}

/** Preimage of {@link outputRootV0}; the first word is the version. */
export function encodeOutputV0(output: OutputV0): Uint8Array {
  const words = [output.stateRoot, output.withdrawalStorageRoot, output.blockHash].map(hexToBytes)
  return concatBytes(new Uint8Array(32), ...words)
}
