import { describe, expect, test } from 'vitest'
import { attribute, indexSet } from '../../../attribution/suffix/attribute.ts'
import { checkSpanProof } from '../../../attribution/suffix/check-span-proof.ts'
import { maximalSpans } from '../../../attribution/suffix/find-spans.ts'
import { IndexOpener } from '../../../attribution/suffix/index-opener.ts'
import { proveSpan } from '../../../attribution/suffix/span-proof.ts'
import { SuffixError } from '../../../attribution/suffix/suffix-error.ts'
import { Random } from '../../fakes/random.ts'
import { hardTexts, indexOfDocuments, randomDocuments, stitchedAnswer } from '../../fakes/suffix-texts.ts'

function world(seed: number, vocab: number, corpora: readonly (readonly (readonly number[])[])[]) {
  const indexes = indexSet(corpora.map((documents, i) => indexOfDocuments(documents, vocab, BigInt(i + 1))))
  const answer = stitchedAnswer(new Random(seed), corpora.flat(), vocab)
  const set = indexes.map((index) => new IndexOpener(index))
  return { indexes, answer, set, records: indexes.map(({ record }) => record) }
}

/** What a proof shows, or the code of the error that it is refused with. */
function verdict(...args: Parameters<typeof checkSpanProof>): unknown {
  try {
    return checkSpanProof(...args)
  } catch (error) {
    if (!(error instanceof SuffixError)) throw error
    return error.code
  }
}

const random = new Random(71)
const seldom = world(
  1,
  300,
  [0, 1, 2].map(() => randomDocuments(random, 300)),
)
const truth = maximalSpans(seldom.indexes, seldom.answer, { tokensMin: 1, placesMax: 1000 })

describe('span proofs', () => {
  test('show every kept span with its places and contributions, over sets of up to three indexes', () => {
    for (let seed = 2; seed < 8; seed++) {
      const vocab = random.pick([4, 50, 300])
      const { indexes, answer, set, records } = world(
        seed,
        vocab,
        random.list(1 + (seed % 3), () => randomDocuments(random, vocab)),
      )
      const { spans } = attribute(indexes, answer)
      for (const { start, length, places } of spans) {
        const proof = proveSpan(set, answer, { start, length })
        expect(checkSpanProof(records, answer, proof)).toEqual({ start, length, places })
      }
    }
  })

  test('show copies longer than the order of suffixes by a part of them', () => {
    const copy = Array.from({ length: 200 }, (_, i) => (i * i + 7) % 90)
    const documents = [[...copy.slice(0, 150), 91], [92, ...copy], copy.slice(20, 120)]
    const { set, records } = world(9, 100, [documents])
    const answer = [95, ...copy, 96]
    const proven = checkSpanProof(records, answer, proveSpan(set, answer, { start: 1, length: 200 }))
    expect(proven.places).toEqual([{ index: 0, position: 153, contribId: 1001n }])
  })

  test('in hard texts are right or refused as too common', () => {
    for (const documents of Object.values(hardTexts)) {
      const { indexes, answer, set, records } = world(10, 2, [documents])
      for (const { start, length, places } of maximalSpans(indexes, answer, { tokensMin: 1, placesMax: 64 })) {
        try {
          expect(checkSpanProof(records, answer, proveSpan(set, answer, { start, length })).places).toHaveLength(
            places.length,
          )
        } catch (error) {
          expect(error).toMatchObject({ code: 'too-common' })
        }
      }
    }
  })

  test('no other anchor shows the same: what a proof says it says by one row of bytes', () => {
    const repeated = Array.from({ length: 100 }, () => 1)
    const { set, records } = world(11, 10, [[repeated, [2, 3, 4, 5, 6, 7, 8]]])
    const answer = [...repeated, 9, 2, 3, 4, 5, 6, 7, 8]
    const [long, short] = [
      { start: 0, length: 100 },
      { start: 101, length: 7 },
    ]
    const accepted = [long, short].map((extent) => {
      const proof = proveSpan(set, answer, extent)
      expect(checkSpanProof(records, answer, proof).places).toHaveLength(1)
      return Array.from({ length: 256 * 3 }, (_, i) => {
        const changed = proof.slice()
        changed[4 + Math.floor(i / 256)] = i % 256
        return changed
      }).filter((changed) => typeof verdict(records, answer, changed) === 'object')
    })
    // Each byte of the anchor once as it was.
    expect(accepted.map(({ length }) => length)).toEqual([3, 3])
  })

  test('no changed byte shows anything but the truth', () => {
    const { set, records, answer } = seldom
    const [span] = attribute(seldom.indexes, answer).spans
    if (span === undefined) throw new Error('no span to prove')
    const proof = proveSpan(set, answer, span)
    // The first 60 bytes say what is proven; every seventh of the openings.
    for (let at = 0; at < proof.length; at += at < 60 ? 1 : 7) {
      const forged = proof.slice()
      forged[at] = (forged[at] as number) ^ (1 + (at % 255))
      const found = verdict(records, answer, forged)
      if (typeof found === 'string') continue
      const { start, length, places } = found as ReturnType<typeof checkSpanProof>
      const real = truth.find((each) => each.start === start && each.length === length)
      expect(places.map(({ index, position }) => ({ index, position }))).toEqual(real?.places)
    }
  })

  test('of a span that stands with one more token is refused', () => {
    const { set, records, answer } = seldom
    const { start, length } = truth.find((span) => span.length > 6) ?? { start: 0, length: 0 }
    for (const part of [
      { start: start + 1, length: length - 1 },
      { start, length: length - 1 },
    ]) {
      expect(verdict(records, answer, proveSpan(set, answer, part))).toBe('unproven')
    }
  })

  test('of a span that stands nowhere is refused', () => {
    const { set, records, answer } = seldom
    const { start, length } = truth.find((span) => span.start + span.length < answer.length) ?? { start: 0, length: 0 }
    expect(verdict(records, answer, proveSpan(set, answer, { start, length: length + 1 }))).toBe('unproven')
  })

  test.each([
    ['cut off', (proof: Uint8Array) => proof.subarray(0, -1)],
    ['with a byte left over', (proof: Uint8Array) => Uint8Array.of(...proof, 0)],
    ['of no bytes', () => new Uint8Array(0)],
  ])('%s is refused by name', (_, forge) => {
    const { set, records, answer } = seldom
    const proof = forge(proveSpan(set, answer, truth[0] ?? { start: 0, length: 1 }))
    expect(verdict(records, answer, proof)).toBe('format')
  })

  test('against another answer, fewer indexes, or indexes in another order is refused', () => {
    const { set, records, answer } = seldom
    const span = attribute(seldom.indexes, answer).spans[0] ?? { start: 0, length: 1 }
    const proof = proveSpan(set, answer, span)
    expect(
      verdict(
        records,
        answer.map((token) => (token + 1) % 300),
        proof,
      ),
    ).toBeTypeOf('string')
    expect(verdict(records.slice(1), answer, proof)).toBe('format')
    expect(verdict([...records].reverse(), answer, proof)).toBe('unproven')
  })

  test('that leaves a place out is refused', () => {
    const documents = [
      [1, 2, 3, 4, 5, 6],
      [1, 2, 3, 4, 5, 7],
      [1, 2, 3, 4, 5, 8],
    ]
    const answer = [1, 2, 3, 4, 5]
    const { set, records } = world(3, 10, [documents])
    const proof = proveSpan(set, answer, { start: 0, length: 5 })
    const view = Buffer.from(proof)
    const [lo, hi] = [view.readUInt32BE(8), view.readUInt32BE(12)]
    expect(hi - lo).toBe(3)
    for (const [from, to] of [
      [lo + 1, hi],
      [lo, hi - 1],
      [lo, lo],
    ]) {
      const forged = Buffer.from(proof)
      forged.writeUInt32BE(from as number, 8)
      forged.writeUInt32BE(to as number, 12)
      expect(verdict(records, answer, forged)).toBe('unproven')
    }
  })

  test('a span outside of the answer is not proven', () => {
    const { set, answer } = seldom
    expect(() => proveSpan(set, answer, { start: answer.length, length: 1 })).toThrow(
      expect.objectContaining({ code: 'size' }),
    )
  })
})
