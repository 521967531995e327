import type { SignatureOf } from '../../attribution/combined/groups.ts'
import { NearDuplicateFinder } from '../../attribution/near-duplicates/near-duplicates.ts'
import { signatureOf } from '../../attribution/near-duplicates/signature.ts'
import { buildIndex } from '../../attribution/suffix/build-index.ts'
import type { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { joinDocuments } from '../../attribution/suffix/text.ts'
import { Random } from '../../test/fakes/random.ts'

/** A word is a token. */
export type Words = readonly number[]

const vocab = 4_000
const honestTexts = 60
const textWords = 120
const honestAnswers = 200
/** An honest answer: passages of texts, most of them of few ones, between words of its own. */
const quotes = 2
const [quoteMin, quoteMax] = [8, 30]
const ownWords = 20

/** Honest people's texts and the answers that quote them. Same seed, same world. */
export class World {
  readonly random: Random
  readonly texts: readonly Words[]
  readonly answers: readonly Words[]

  constructor(seed: number) {
    this.random = new Random(seed)
    this.texts = this.random.list(honestTexts, () => this.text())
    this.answers = this.random.list(honestAnswers, () => this.#answer())
  }

  /** A text of its own. */
  text(): Words {
    return this.random.list(textWords, () => this.#word())
  }

  /** The text with a share of its words replaced. */
  edited(text: Words, share: number): Words {
    return text.map((word) => (this.random.chance(share) ? this.#word() : word))
  }

  #answer(): Words {
    const words: number[] = []
    for (let i = 0; i < quotes; i++) {
      const text = this.texts[Math.floor(honestTexts ** (this.random.int(2 ** 20) / 2 ** 20)) - 1] as Words
      const length = quoteMin + this.random.int(quoteMax - quoteMin + 1)
      const start = this.random.int(textWords - length + 1)
      words.push(...text.slice(start, start + length), ...this.random.list(ownWords, () => this.#word()))
    }
    return words
  }

  /** Zipf's law. */
  #word(): number {
    return Math.min(vocab - 1, Math.floor(vocab ** (this.random.int(2 ** 20) / 2 ** 20)) - 1)
  }
}

export type Intake = {
  /** Contributions by id, without those that were refused. */
  readonly index: SuffixIndex
  readonly refused: number
  /** Of what came in. */
  readonly signatureOf: SignatureOf
}

/** Texts become contributions 1, 2, …; from `refusesFrom` ten-thousandths of similarity to an earlier one they are refused. */
export function takeIn(texts: readonly Words[], refusesFrom: number | undefined): Intake {
  const gate = new NearDuplicateFinder(refusesFrom)
  const signatures = new Map<bigint, Uint32Array>()
  const documents = texts.flatMap((tokens, i) => {
    const contribution = { contribId: BigInt(i + 1), signature: signatureOf(Buffer.from(wordsOf(tokens))) }
    if (refusesFrom !== undefined && gate.add(contribution) !== undefined) return []
    signatures.set(contribution.contribId, contribution.signature)
    return [{ contribId: contribution.contribId, tokens }]
  })
  const subject = { datanet: 1n, version: 1, tokenizerHash: zeroWord, tokenLengths: new Uint32Array(vocab).fill(2) }
  return {
    index: buildIndex(joinDocuments(documents, vocab), subject),
    refused: texts.length - documents.length,
    signatureOf: (id) => signatures.get(id),
  }
}

function wordsOf(tokens: Words): string {
  return tokens.map((token) => `w${token}`).join(' ')
}

const zeroWord = `0x${'00'.repeat(32)}` as const
