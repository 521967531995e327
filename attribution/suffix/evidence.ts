import { bytesToBigint, bytesToHex, concatBytes, type Hex } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { algoV1, type SpanRule, spansV1 } from './algo-v1.ts'
import { type KeptSpan, keptMax, outranks, spanWeight } from './kept-spans.ts'
import { SuffixError } from './suffix-error.ts'

/** What the weights of a receipt's S and U entries were made of. docs/ATTRIBUTION.md §5. */
export type Evidence = {
  /** Scores of the answer's tokens: as many as are looked at. */
  readonly scores: readonly number[]
  /** Best first. */
  readonly spans: readonly KeptSpan[]
}

export function encodeEvidence({ scores, spans }: Evidence, { version } = spansV1): Uint8Array {
  const contribIds = contributionsIn(spans)
  const placeOf = new Map(contribIds.map((id, i) => [id, i]))
  const placeCount = spans.reduce((sum, { places }) => sum + places.length, 0)
  const bytes = Buffer.alloc(6 + 2 * scores.length + 8 * contribIds.length + 5 * spans.length + 7 * placeCount)
  let at = bytes.writeUInt8(version, 0)
  at = bytes.writeUInt16BE(scores.length, at)
  at = bytes.writeUInt8(spans.length, at)
  at = bytes.writeUInt16BE(contribIds.length, at)
  for (const score of scores) at = bytes.writeUInt16BE(score, at)
  for (const id of contribIds) at = bytes.writeBigUInt64BE(id, at)
  for (const { start, length, places } of spans) {
    at = bytes.writeUInt16BE(start, at)
    at = bytes.writeUInt16BE(length, at)
    at = bytes.writeUInt8(places.length, at)
    for (const { index, position, contribId } of places) {
      at = bytes.writeUInt8(index, at)
      at = bytes.writeUInt32BE(position, at)
      at = bytes.writeUInt16BE(placeOf.get(contribId) as number, at)
    }
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** The contributions that spans stand in, ascending. */
export function contributionsIn(spans: readonly KeptSpan[]): bigint[] {
  const contribIds = [...new Set(spans.flatMap(({ places }) => places.map(({ contribId }) => contribId)))]
  return contribIds.sort((a, b) => (a < b ? -1 : 1))
}

/** What an S or U entry's `evidenceHash` is. */
export function evidenceHash(evidence: Uint8Array): Hex {
  return bytesToHex(keccak256(concatBytes(hashPrefix, evidence)))
}

/** Throws {@link SuffixError} `format` for evidence of a wrong form: what its bytes alone show to be no evidence of the rule. */
export function decodeEvidence(bytes: Uint8Array, rule: SpanRule = spansV1): Evidence {
  let at = 0
  const uint = (size: number): number => {
    if (at + size > bytes.length) throw wrongForm('cut off')
    at += size
    return Number(bytesToBigint(bytes.subarray(at - size, at)))
  }
  if (uint(1) !== rule.version) throw wrongForm('another version')
  const [tokens, spanCount, contributions] = [uint(2), uint(1), uint(2)]
  const scores = Array.from({ length: tokens }, () => uint(2))
  const contribIds = Array.from({ length: contributions }, () => {
    uint(8)
    return bytesToBigint(bytes.subarray(at - 8, at))
  })
  const spans = Array.from({ length: spanCount }, (): KeptSpan => {
    const [start, length, count] = [uint(2), uint(2), uint(1)]
    const places = Array.from({ length: count }, () => {
      const [index, position, contribution] = [uint(1), uint(4), uint(2)]
      const contribId = contribIds[contribution]
      if (contribId === undefined) throw wrongForm(`contribution ${contribution} of ${contributions}`)
      return { index, position, contribId }
    })
    return { start, length, places, weight: spanWeight(scores, start, length) }
  })
  if (at !== bytes.length) throw wrongForm('bytes left over')
  checkForm({ scores, spans }, contribIds, rule)
  return { scores, spans }
}

function checkForm({ scores, spans }: Evidence, contribIds: readonly bigint[], { placesMax }: SpanRule): void {
  const tokens = scores.length
  if (tokens > algoV1.answerTokensMax || spans.length > keptMax(tokens)) throw wrongForm('too many tokens or spans')
  if (!isAscending(contribIds, (a, b) => a < b)) throw wrongForm('contributions not ascending')
  const named = new Set(spans.flatMap(({ places }) => places.map(({ contribId }) => contribId)))
  if (named.size !== contribIds.length) throw wrongForm('a contribution without a span')
  if (!isAscending(spans, (a, b) => outranks(a, b) < 0)) throw wrongForm('spans not by rank')
  for (const span of spans) {
    const { start, length, places } = span
    if (length < algoV1.tokensMin || start + length > tokens) throw wrongForm(`a span of ${length} tokens`)
    if (places.length === 0 || places.length > placesMax) throw wrongForm(`a span of count ${places.length}`)
    const inOrder = isAscending(places, (a, b) => a.index < b.index || (a.index === b.index && a.position < b.position))
    if (!inOrder) throw wrongForm('places not ascending')
  }
}

type Extent = Pick<KeptSpan, 'start' | 'length'>

/** Whether `span` lies inside of `other`. */
export function contains(other: Extent, span: Extent): boolean {
  return other.start <= span.start && span.start + span.length <= other.start + other.length
}

function isAscending<T>(items: readonly T[], isBefore: (a: T, b: T) => boolean): boolean {
  return items.every((item, i) => i === 0 || isBefore(items[i - 1] as T, item))
}

function wrongForm(what: string): SuffixError {
  return new SuffixError('format', `evidence: ${what}`)
}

const hashPrefix = Uint8Array.of(0x0c)
