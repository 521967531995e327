import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { evidenceHash } from '../suffix/evidence.ts'
import { SuffixError } from '../suffix/suffix-error.ts'
import { algoV2 } from './algo-v2.ts'

/** The parts of a receipt's evidence under v2; what does not apply has no bytes. docs/ATTRIBUTION.md §7. */
export type EvidenceParts = {
  /** As under v1, with 2 as its first byte. */
  readonly spans: Uint8Array
  /** The leader of each contribution of the spans, u16 each. */
  readonly groups: Uint8Array
  /** The query sketch: a signed byte each. */
  readonly query: Uint8Array
  readonly scores: Uint8Array
  readonly citations: Uint8Array
}

const partNames = ['spans', 'groups', 'query', 'scores', 'citations'] as const
type PartName = (typeof partNames)[number]

const none = new Uint8Array(0)
/** Of a receipt that commits to no evidence. */
export const noParts: EvidenceParts = { spans: none, groups: none, query: none, scores: none, citations: none }

/** `02 ‖ keccak of each part 32`, zero of one that does not apply: what challenges of one part need of the others. */
export function evidenceHead(parts: EvidenceParts): Uint8Array {
  const hashes = partNames.map((name) => (parts[name].length === 0 ? zeroHash : keccakHex(parts[name])))
  return concatBytes(Uint8Array.of(2), ...hashes.map(hexToBytes))
}

/** What all contributors' entries of a receipt commit to; zero where no part applies. */
export function evidenceHashV2(parts: EvidenceParts): Hex {
  return partNames.every((name) => parts[name].length === 0) ? zeroHash : evidenceHash(evidenceHead(parts))
}

/** The head and one part: what SpanJudge takes as evidence of spans. */
export function headAnd(parts: EvidenceParts, name: PartName): Uint8Array {
  return concatBytes(evidenceHead(parts), parts[name])
}

/** What is shown where somebody asks for the evidence: the head, the length of each part u32, and the parts. */
export function encodeParts(parts: EvidenceParts): Uint8Array {
  const lengths = partNames.map((name) => uintBytes(parts[name].length, 4))
  return concatBytes(evidenceHead(parts), ...lengths, ...partNames.map((name) => parts[name]))
}

/** Throws {@link SuffixError} `format` for bytes that are not their own head's parts. */
export function decodeParts(bytes: Uint8Array): EvidenceParts {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < headBytes + 20) throw new SuffixError('format', 'evidence: cut off')
  let at = headBytes + 20
  const [spans, groups, query, scores, citations] = partNames.map((_, i) => {
    const length = view.getUint32(headBytes + 4 * i)
    at += length
    if (at > bytes.length) throw new SuffixError('format', 'evidence: cut off')
    return bytes.slice(at - length, at)
  }) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const parts = { spans, groups, query, scores, citations }
  const isWhole = at === bytes.length && bytesToHex(evidenceHead(parts)) === bytesToHex(bytes.subarray(0, headBytes))
  if (!isWhole) throw new SuffixError('format', 'evidence: parts that are not the head’s')
  return parts
}

export function encodeGroups(leaders: readonly number[]): Uint8Array {
  return concatBytes(...leaders.map((leader) => uintBytes(leader, 2)))
}

/** Undefined where it is no list of leaders of so many contributions. */
export function decodeGroups(bytes: Uint8Array, contributions: number): number[] | undefined {
  if (bytes.length !== 2 * contributions) return undefined
  const leaders = Array.from(
    { length: contributions },
    (_, i) => (bytes[2 * i] as number) * 256 + (bytes[2 * i + 1] as number),
  )
  return leaders.every((leader, i) => leader <= i && leaders[leader] === leader) ? leaders : undefined
}

/** A contribution's influence on an answer: row of the table, and query · row, positive. */
export type SketchScore = { readonly row: number; readonly contribId: bigint; readonly score: bigint }

/** `row u16 ‖ contribId u64 ‖ score u64` each. */
export function encodeScores(scores: readonly SketchScore[]): Uint8Array {
  return concatBytes(
    ...scores.map(({ row, contribId, score }) =>
      concatBytes(uintBytes(row, 2), uintBytes(contribId, 8), uintBytes(score, 8)),
    ),
  )
}

/** Undefined where its bytes alone show it to be no list of scores. */
export function decodeScores(bytes: Uint8Array): SketchScore[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const count = bytes.length / scoreBytes
  if (!Number.isInteger(count) || count > algoV2.sketchContributionsMax) return undefined
  const scores = Array.from({ length: count }, (_, i): SketchScore => {
    const at = i * scoreBytes
    return { row: view.getUint16(at), contribId: view.getBigUint64(at + 2), score: view.getBigUint64(at + 10) }
  })
  const isOrdered = scores.every(({ row, score }, i) => score > 0n && (i === 0 || row > (scores[i - 1]?.row ?? row)))
  return isOrdered ? scores : undefined
}

const headBytes = 161
const scoreBytes = 18
