import { bytesToBigint, bytesToHex, FormatError, type Hex, hexToBytes } from './bytes.ts'
import { keccakHex } from './keccak.ts'
import { type BatchHeader, type Segment, segmentsHash } from './receipt-batch.ts'
import { sumRow, sumTreeRoot } from './sum-tree.ts'

/** `BatchInput` of `commitBatch`. docs/MONEY.md §5. */
export type BatchInput = {
  readonly topHash: Hex
  readonly count: number
  readonly sums: readonly bigint[]
  readonly class: number
  readonly dataHash: Hex
  readonly notAfter: bigint
}

/** What the chain adds to what the worker sent. */
export type BatchPlace = Pick<BatchHeader, 'batchId' | 'worker' | 'committedAt' | 'l2Block'>

const signature =
  'commitBatch((bytes32,uint32,uint128[10],uint8,bytes32,uint64),(bytes32,uint32,uint128,bytes32,uint128,uint128,uint64,bytes32,bytes32)[])'
export const commitBatchSelector: Hex = keccakHex(new TextEncoder().encode(signature)).slice(0, 10) as Hex

const selectorBytes = 4
const wordBytes = 32
const sumWords = 10
/** Words of the arguments before the segments: BatchInput stands in place, then the offset of the list. */
const inputWords = 15
const segmentWords = 9

/** A batch as it was committed: all of it stands in the calldata. Throws {@link FormatError}. */
export function committedBatch(
  calldata: Uint8Array,
  place: BatchPlace,
): { readonly header: BatchHeader; readonly segments: readonly Segment[] } {
  const { input, segments } = readCommitBatch(calldata)
  const { topHash, count, sums, class: proofClass, dataHash } = input
  const receiptRoot = bytesToHex(sumTreeRoot(count, sumRow(hexToBytes(topHash), sums)))
  const hash = bytesToHex(segmentsHash(segments))
  return { header: { ...place, receiptRoot, count, sums, class: proofClass, dataHash, segmentsHash: hash }, segments }
}

/** The arguments of a call of `commitBatch`. Throws {@link FormatError}. */
export function readCommitBatch(calldata: Uint8Array): {
  readonly input: BatchInput
  readonly segments: readonly Segment[]
} {
  if (bytesToHex(calldata.subarray(0, selectorBytes)) !== commitBatchSelector) throw new FormatError('no commitBatch')
  const body = calldata.subarray(selectorBytes)
  const uint = (at: number) => bytesToBigint(wordAt(body, at))
  const hash = (at: number) => bytesToHex(wordAt(body, at))
  const at = (index: number) => index * wordBytes
  const input: BatchInput = {
    topHash: hash(at(0)),
    count: Number(uint(at(1))),
    sums: Array.from({ length: sumWords }, (_, i) => uint(at(2 + i))),
    class: Number(uint(at(12))),
    dataHash: hash(at(13)),
    notAfter: uint(at(14)),
  }
  const list = Number(uint(at(inputWords)))
  const length = Number(uint(list))
  if (list + wordBytes + length * segmentWords * wordBytes > body.length)
    throw new FormatError('segments are cut short')
  const segments = Array.from({ length }, (_, k): Segment => {
    const start = list + wordBytes + k * segmentWords * wordBytes
    return {
      channel: hash(start),
      count: Number(uint(start + at(1))),
      fee: uint(start + at(2)),
      requestId: hash(start + at(3)),
      maxFee: uint(start + at(4)),
      cumulativeCap: uint(start + at(5)),
      deadline: uint(start + at(6)),
      r: hash(start + at(7)),
      vs: hash(start + at(8)),
    }
  })
  return { input, segments }
}

function wordAt(body: Uint8Array, at: number): Uint8Array {
  if (at + wordBytes > body.length) throw new FormatError('calldata is cut short')
  return body.subarray(at, at + wordBytes)
}
