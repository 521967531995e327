import { describe, expect, test } from 'vitest'
import { AnswerFileError } from '../../../attribution/answer-file/answer-error.ts'
import { checkWords } from '../../../attribution/answer-file/check-words.ts'
import { makeWords } from '../../../attribution/answer-file/make-words.ts'
import type { BatchReceipt } from '../../../attribution/epochs/batch-rows.ts'
import { attribute, contributorEntries, indexSet } from '../../../attribution/suffix/attribute.ts'
import type { SuffixIndex } from '../../../attribution/suffix/suffix-index.ts'
import { entryClasses } from '../../../protocol/attribution-entry.ts'
import { algoHashV1, indexSetHash } from '../../../protocol/attribution-rule.ts'
import { type Hex, zeroHash } from '../../../protocol/bytes.ts'
import { Random } from '../../fakes/random.ts'
import { quotingOutput, randomSet } from '../../fakes/span-receipt.ts'

const trials = Math.ceil(Number(process.env['OPENLEDGER_FUZZ'] ?? 1_200) / 100)
const payout: Hex = `0x${'5a'.repeat(20)}`

/** What the check reads of a receipt whose S and U entries are right. */
function receiptOf(indexes: readonly SuffixIndex[], output: Uint32Array, isDead = false): BatchReceipt {
  const attribution = attribute(indexSet(indexes), isDead ? [] : output)
  const entries = contributorEntries(attribution, () => payout).map((entry) => ({
    ...entry,
    weight: BigInt(entry.weight),
  }))
  const hash = indexSetHash(indexSet(indexes).map(({ id }) => id))
  return { receipt: { indexSetHash: hash, algoHash: algoHashV1 }, entries, output } as unknown as BatchReceipt
}

/** Why words are refused; undefined where they hold. */
function refusal(words: ReturnType<typeof makeWords>, one: BatchReceipt): string | undefined {
  try {
    checkWords(words, one)
    return undefined
  } catch (error) {
    if (error instanceof AnswerFileError) return error.code
    throw error
  }
}

const world = (seed: number) => {
  const random = new Random(seed)
  const indexes = randomSet(random, 1 + random.int(3), 14)
  const output = quotingOutput(random, indexes, 40 + random.int(60))
  return { random, indexes, output, one: receiptOf(indexes, output), words: makeWords(indexes, output, false) }
}

describe('the words of an answer file', () => {
  test('hold for answers over one to three indexes, with spans and without', () => {
    let spans = 0
    for (let seed = 0; seed < trials; seed++) {
      const { words, one } = world(seed)
      expect(refusal(words, one)).toBeUndefined()
      spans += words.spans.length
    }
    expect(spans).toBeGreaterThan(trials)
  }, 3_600_000)

  test('any changed byte is refused, whatever part it is in', () => {
    for (let seed = 0; seed < trials; seed++) {
      const { random, words, one } = world(seed)
      for (let i = 0; i < 30; i++) {
        const parts = [...words.indexes, words.evidence, ...words.spans, ...words.scores].filter(
          ({ length }) => length > 0,
        )
        const part = random.pick(parts)
        const [at, bit] = [random.int(part.length), random.int(8)]
        const flip = (bytes: Uint8Array) => {
          const copy = bytes.slice()
          if (bytes === part) copy[at] = (copy[at] ?? 0) ^ (1 << bit)
          return copy
        }
        const changed = {
          indexes: words.indexes.map(flip),
          evidence: flip(words.evidence),
          spans: words.spans.map(flip),
          scores: words.scores.map(flip),
        }
        expect(refusal(changed, one)).toBeDefined()
      }
    }
  }, 3_600_000)

  test('a weight that is not what the words give is refused, and a span too few or too many', () => {
    const { words, one } = world(3)
    const entries = one.entries.map((entry, i) => ({ ...entry, weight: entry.weight + ([1n, -1n][i] ?? 0n) }))
    expect(refusal(words, { ...one, entries })).toBe('weights')
    expect(refusal({ ...words, spans: words.spans.slice(1) }, one)).toBe('span')
    expect(refusal({ ...words, spans: [...words.spans, ...words.spans.slice(0, 1)] }, one)).toBe('span')
    expect(refusal({ ...words, indexes: words.indexes.slice(1) }, one)).toBe('indexes')
    expect(refusal({ ...words, scores: [] }, one)).toBe('scores')
    const rule = { ...one, receipt: { ...one.receipt, algoHash: zeroHash } }
    expect(refusal(words, rule)).toBe('evidence')
  })

  test('a dead index leaves nothing to look at: all is U', () => {
    const { indexes, output } = world(5)
    const one = receiptOf(indexes, output, true)
    expect(one.entries.every(({ class: kind }) => kind === entryClasses.U)).toBe(true)
    expect(refusal(makeWords(indexes, output, true), one)).toBeUndefined()
    expect(refusal(makeWords(indexes, output, false), one)).toBe('evidence')
  })

  test('without an index nothing is attributed by words', () => {
    const { output, one } = world(6)
    const bare = { ...one, receipt: { ...one.receipt, indexSetHash: zeroHash } }
    const units = bare.entries.filter(({ class: kind }) => kind === entryClasses.U)
    const none = makeWords([], output, false)
    expect(refusal(none, { ...bare, entries: units })).toBeUndefined()
    expect(refusal(none, bare)).toBe('evidence')
    expect(refusal({ ...none, evidence: new Uint8Array(6) }, { ...bare, entries: units })).toBe('evidence')
  })
})
