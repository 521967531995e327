import { bytesToHex, FormatError, type Hex, hexToBytes } from './bytes.ts'
import { asBytes, asList, asUint, rlpDecodeAt, rlpEncode, rlpUint } from './rlp.ts'

/** One L2 block's transactions. Spec: protocol/derivation.md, "Batch Format", version 0. */
export type SingularBatch = {
  readonly kind: 'singular'
  readonly parentHash: Hex
  readonly epochNum: bigint
  readonly epochHash: Hex
  readonly timestamp: bigint
  readonly transactions: readonly Uint8Array[]
}

/** Content of a version 0 batch (without the version byte); bytes behind the list are ignored. Throws {@link FormatError}. */
export function decodeSingularBatch(content: Uint8Array): SingularBatch {
  const fields = asList(rlpDecodeAt(content, 0).item, 'singular batch')
  if (fields.length !== 5) throw new FormatError(`singular batch has ${fields.length} fields`)
  return {
    kind: 'singular',
    parentHash: bytesToHex(asBytes(fields[0], 'parent hash', 32)),
    epochNum: asUint(fields[1], 'epoch number', 8),
    epochHash: bytesToHex(asBytes(fields[2], 'epoch hash', 32)),
    timestamp: asUint(fields[3], 'timestamp', 8),
    transactions: asList(fields[4], 'transactions').map((tx) => asBytes(tx, 'transaction')),
  }
}

/** The same content, encoded. */
export function encodeSingularBatch(batch: Omit<SingularBatch, 'kind'>): Uint8Array {
  return rlpEncode([
    hexToBytes(batch.parentHash),
    rlpUint(batch.epochNum),
    hexToBytes(batch.epochHash),
    rlpUint(batch.timestamp),
    [...batch.transactions],
  ])
}
