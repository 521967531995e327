import type { TokenDocument } from '../../attribution/suffix/text.ts'
import { Random } from '../../test/fakes/random.ts'

export const benchVocab = 4096
const documentTokens = 700
/** Of documents, how many begin with a passage that many have: licences, greetings. */
const boilerplateShare = 0.05

/**
 * Tokens as of a language: Zipf's law, what follows a token mostly one of a few that depend on it, passages that many documents
 * share. Same seed, same text.
 */
export class BenchCorpus {
  readonly #random: Random
  readonly #passages: readonly (readonly number[])[]
  #token = 0

  constructor(seed: number) {
    this.#random = new Random(seed)
    this.#passages = this.#random.list(20, () => this.passage(100))
  }

  /** Documents of about `tokens` tokens together. */
  *documents(tokens: number): Generator<TokenDocument> {
    for (let id = 1; id * documentTokens <= tokens; id++) {
      const boilerplate = this.#random.chance(boilerplateShare) ? this.#random.pick(this.#passages) : []
      yield {
        contribId: BigInt(id),
        tokens: [...boilerplate, ...this.passage(documentTokens - boilerplate.length - 1)],
      }
    }
  }

  passage(length: number): number[] {
    return this.#random.list(length, () => this.#next())
  }

  /** An answer of 200 tokens: a third copied out of documents, the rest of its own. */
  answer(documents: readonly TokenDocument[]): number[] {
    const answer: number[] = []
    while (answer.length < answerTokens) {
      if (this.#random.chance(0.3)) {
        const { tokens } = this.#random.pick(documents)
        const start = this.#random.int(tokens.length)
        answer.push(...Array.from(tokens).slice(start, start + 8 + this.#random.int(25)))
      } else answer.push(...this.passage(20))
    }
    return answer.slice(0, answerTokens)
  }

  #next(): number {
    const rank = this.#zipf()
    this.#token = this.#random.chance(0.3) ? rank : Math.imul(this.#token + 1, 0x9e37_79b1 + (rank >> 6)) >>> 20
    return this.#token
  }

  #zipf(): number {
    return Math.min(benchVocab - 1, Math.floor(benchVocab ** (this.#random.int(2 ** 24) / 2 ** 24)) - 1)
  }
}

const answerTokens = 200
