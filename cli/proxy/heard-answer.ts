import type { ModelTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'

/** The tokens of one answer, which may come more than once, and their text. */
export class HeardAnswer {
  readonly #tokenizer: Pick<ModelTokenizer, 'decode'>
  readonly #tokens: number[] = []
  readonly #text = new TextDecoder()
  #isOne = true

  constructor(tokenizer: Pick<ModelTokenizer, 'decode'>) {
    this.#tokenizer = tokenizer
  }

  get hasBegun(): boolean {
    return this.#tokens.length > 0
  }

  /** False where tokens came that are not those of before. */
  get isOne(): boolean {
    return this.#isOne
  }

  get last(): number | undefined {
    return this.#tokens.at(-1)
  }

  /** Tokens from `first` on; the text of those that are new. */
  take(first: number, tokens: Uint32Array): string {
    const known = this.#tokens.slice(first, first + tokens.length)
    if (known.some((token, i) => token !== tokens[i])) this.#isOne = false
    const fresh = [...tokens.subarray(known.length)]
    if (!this.#isOne || fresh.length === 0) return ''
    this.#tokens.push(...fresh)
    return this.#text.decode(this.#tokenizer.decode(fresh), { stream: true })
  }
}
