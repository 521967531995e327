import { concatBytes, FormatError } from './bytes.ts'
import { rlpEncode, rlpHeaderAt } from './rlp.ts'
import { decodeSingularBatch, type SingularBatch } from './singular-batch.ts'
import { decodeSpanBatch, type RawSpanBatch } from './span-batch.ts'

/** Batch versions. Spec: protocol/derivation.md, "Batch Format". */
export const batchVersion = { singular: 0, span: 1 } as const

export type DecodedBatch = SingularBatch | { readonly kind: 'raw-span'; readonly raw: RawSpanBatch }

/** One batch: version byte and content. Throws {@link FormatError}. */
export function decodeBatch(data: Uint8Array): DecodedBatch {
  switch (data[0]) {
    case batchVersion.singular:
      return decodeSingularBatch(data.subarray(1))
    case batchVersion.span:
      return { kind: 'raw-span', raw: decodeSpanBatch(data.subarray(1)) }
    default:
      throw new FormatError(data.length === 0 ? 'batch is empty' : `batch of unknown version ${data[0]}`)
  }
}

/** A batch as it stands in a channel: an RLP string of version byte and content. */
export function channelBatch(version: 0 | 1, content: Uint8Array): Uint8Array {
  return rlpEncode(concatBytes(Uint8Array.of(version), content))
}

/** Reads the RLP string at `offset` of a channel. Undefined at the end. Throws {@link FormatError}. */
export function readChannelBatch(
  channel: Uint8Array,
  offset: number,
): { readonly data: Uint8Array; readonly end: number } | undefined {
  if (offset >= channel.length) return undefined
  const { isList, start, end } = rlpHeaderAt(channel, offset)
  if (isList) throw new FormatError('channel holds a list where a batch should be')
  if (end > channel.length) throw new FormatError('batch is longer than its channel')
  return { data: channel.subarray(start, end), end }
}
