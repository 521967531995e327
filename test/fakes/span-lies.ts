import { decodeEvidence, type Evidence, encodeEvidence } from '../../attribution/suffix/evidence.ts'
import { type KeptSpan, outranks, type SpanPlace, spanWeight } from '../../attribution/suffix/kept-spans.ts'
import { sharesOf } from '../../attribution/suffix/shares.ts'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import type { Random } from './random.ts'
import { type SpanReceipt, sealEvidence } from './span-receipt.ts'

/** A way to make an honest receipt lie about spans, and the call that shows it. False where the receipt has no place for it. */
export type SpanLie = {
  readonly name: string
  readonly challenge: string
  readonly apply: (receipt: SpanReceipt, random: Random) => boolean
}

export const spanLies: readonly SpanLie[] = [
  evidenceLie('a span said to stand where it does not', 'badSpanPlace', (evidence, receipt, random) =>
    changeSpan(evidence, random, (span) => {
      const n = receipt.set[0]?.index.record.n ?? 0
      const position = random.int(n + 4)
      return isListed(span, 0, position) || stands(receipt, span, 0, position)
        ? undefined
        : { ...span, places: withPlace(span, { index: 0, position, contribId: contribution(span) }) }
    }),
  ),
  evidenceLie('a place of a span left out', 'missedSpanPlace', (evidence, _, random) =>
    changeSpan(evidence, random, (span) =>
      span.places.length < 2 ? undefined : { ...span, places: span.places.filter((__, j) => j !== 0) },
    ),
  ),
  evidenceLie('a span cut short', 'longerSpan', (evidence, receipt, random) =>
    changeSpan(evidence, random, (span) => {
      if (span.length < 6) return undefined
      const cut = { ...span, length: span.length - 1, weight: spanWeight(evidence.scores, span.start, span.length - 1) }
      return countsOf(receipt, cut) === span.places.length ? cut : undefined
    }),
  ),
  evidenceLie('a span that begins late', 'longerSpan', (evidence, receipt, random) =>
    changeSpan(evidence, random, (span) => {
      if (span.length < 6) return undefined
      const [start, length] = [span.start + 1, span.length - 1]
      const weight = spanWeight(evidence.scores, start, length)
      const places = span.places.map((place) => ({ ...place, position: place.position + 1 }))
      const cut = { start, length, weight, places }
      return countsOf(receipt, cut) === span.places.length ? cut : undefined
    }),
  ),
  evidenceLie('another contribution’s text', 'badSpanContribution', (evidence, _, random) =>
    changeSpan(evidence, random, (span) => ({
      ...span,
      places: span.places.map((place, j) => (j === 0 ? { ...place, contribId: place.contribId + 1n } : place)),
    })),
  ),
  evidenceLie('a score too high', 'badSpanScore', ({ scores, spans }, _, random) => {
    const token = random.int(scores.length)
    const changed = scores.map((score, i) => (i === token ? score + 1 : score))
    return { scores: changed, spans: weighed(changed, spans) }
  }),
  evidenceLie('a span left out', 'omittedSpan', ({ scores, spans }, _, random) => {
    const left = random.int(spans.length)
    return spans.length === 0 ? undefined : { scores, spans: spans.filter((__, k) => k !== left) }
  }),
  evidenceLie('a span listed twice', 'badSpanForm', ({ scores, spans }) => {
    const last = spans.at(-1)
    return last === undefined ? undefined : { scores, spans: [...spans, last] }
  }),
  evidenceLie('spans out of order', 'badSpanForm', ({ scores, spans }) =>
    spans.length < 2 ? undefined : { scores, spans: [...spans].reverse() },
  ),
  evidenceLie('a token fewer', 'badSpanForm', ({ scores, spans }) => {
    const cut = scores.slice(0, -1)
    return spans.some(({ start, length }) => start + length > cut.length) ? undefined : { scores: cut, spans }
  }),
  {
    name: 'evidence with a byte left over',
    challenge: 'badSpanForm',
    apply: (receipt) => {
      receipt.evidence = Uint8Array.of(...receipt.evidence, 0)
      sealEvidence(receipt)
      return true
    },
  },
  {
    name: 'weight moved from one entry to another',
    challenge: 'badSpanWeight',
    apply: (receipt, random) => {
      const from = random.int(receipt.entries.length)
      receipt.entries = receipt.entries.map((entry, i) => {
        if (i === from) return { ...entry, weight: entry.weight - 1 }
        return i === (from + 1) % receipt.entries.length ? { ...entry, weight: entry.weight + 1 } : entry
      })
      return receipt.entries.length > 1 && receipt.entries.every(({ weight }) => weight > 0)
    },
  },
  {
    name: 'an entry for a contribution that has no span',
    challenge: 'badSpanWeight',
    apply: (receipt) => {
      const [first] = receipt.entries
      if (first === undefined) return false
      receipt.entries = [{ ...first, class: entryClasses.S, id: 0n, weight: 1 }, ...receipt.entries]
      return true
    },
  },
  {
    name: 'two entries of different evidence',
    challenge: 'badSpanEvidence',
    apply: (receipt) => {
      receipt.entries = receipt.entries.map((entry, i) =>
        i === 1 ? { ...entry, evidenceHash: `0x${'e7'.repeat(32)}` } : entry,
      )
      return receipt.entries.length > 1
    },
  },
  {
    name: 'an entry of a class that the rule has not',
    challenge: 'badSpanEvidence',
    apply: (receipt) => {
      receipt.entries = receipt.entries.map((entry, i) => (i === 0 ? { ...entry, class: entryClasses.R } : entry))
      return true
    },
  },
]

/** Lies in the evidence, with weights that follow from it: nothing else is wrong. */
function evidenceLie(
  name: string,
  challenge: string,
  change: (evidence: Evidence, receipt: SpanReceipt, random: Random) => Evidence | undefined,
): SpanLie {
  const apply = (receipt: SpanReceipt, random: Random) => {
    const evidence = change(decodeEvidence(receipt.evidence), receipt, random)
    if (evidence === undefined) return false
    receipt.evidence = encodeEvidence(evidence)
    const indexed = receipt.set.map(({ index }) => ({ datanet: index.record.datanet, tokens: index.tokenCount }))
    const [entry] = receipt.entries
    if (entry === undefined) return false
    receipt.entries = sharesOf(evidence.scores.length, evidence.spans, indexed).map((share) => ({
      ...entry,
      class: entryClasses[share.class],
      id: share.id,
      weight: share.weight,
    }))
    sealEvidence(receipt)
    return true
  }
  return { name, challenge, apply }
}

function changeSpan(
  { scores, spans }: Evidence,
  random: Random,
  change: (span: KeptSpan) => KeptSpan | undefined,
): Evidence | undefined {
  if (spans.length === 0) return undefined
  const which = random.int(spans.length)
  const changed = change(spans[which] as KeptSpan)
  if (changed === undefined || changed.places.length > 10) return undefined
  return { scores, spans: spans.map((span, k) => (k === which ? changed : span)).sort(outranks) }
}

function weighed(scores: readonly number[], spans: readonly KeptSpan[]): KeptSpan[] {
  return spans.map((span) => ({ ...span, weight: spanWeight(scores, span.start, span.length) })).sort(outranks)
}

const contribution = (span: KeptSpan) => (span.places[0] as SpanPlace).contribId

function withPlace(span: KeptSpan, place: SpanPlace): SpanPlace[] {
  return [...span.places, place].sort((a, b) => a.index - b.index || a.position - b.position)
}

function isListed(span: KeptSpan, index: number, position: number): boolean {
  return span.places.some((place) => place.index === index && place.position === position)
}

function stands({ set, output }: SpanReceipt, { start, length }: KeptSpan, number: number, position: number): boolean {
  const tokens = set[number]?.index.tables.tokens
  if (tokens === undefined || position + length > tokens.length) return false
  return Array.from({ length }, (_, i) => tokens.at(position + i) === output[start + i]).every((same) => same)
}

function countsOf(receipt: SpanReceipt, span: KeptSpan): number {
  return receipt.set.reduce((sum, { index }, number) => {
    let count = 0
    for (let p = 0; p < index.record.n; p++) if (stands(receipt, span, number, p)) count++
    return sum + count
  }, 0)
}
