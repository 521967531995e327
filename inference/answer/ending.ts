import { InferenceError } from '../inference-error.ts'
import type { ModelConfig } from '../model-config.ts'
import { checkStops, stopBytesMax } from './stops.ts'

/** What ended an answer. */
export type EndReason = 'eos' | 'stop' | 'length' | 'context'

/** What decides where an answer ends. */
export type EndRule = {
  /** Input tokens. */
  readonly tin: number
  readonly maxTokens: number
  /** See `stopList`. */
  readonly stops: readonly Uint8Array[]
}

/** Of a model, what ends its answers. */
export type EndConfig = Pick<ModelConfig, 'eos' | 'context'>

/** Bytes that tokens stand for. */
export type TokenBytes = { decode(tokens: readonly number[]): Uint8Array }

/** Looks for the end of an answer, one output token after another. docs/canonical-inference.md §11. */
export class Ending {
  readonly #config: EndConfig
  readonly #text: TokenBytes
  readonly #rule: EndRule
  /** Last bytes of the output, one less than the longest stop string may have. */
  #tail: Uint8Array = new Uint8Array(0)
  #count = 0
  #reason: EndReason | undefined

  /** Throws {@link InferenceError} for an input that leaves no room for an answer, and for limits out of range. */
  constructor(config: EndConfig, text: TokenBytes, rule: EndRule) {
    checkStops(rule.stops)
    const { tin, maxTokens } = rule
    if (tin < 1) throw new InferenceError('token', 'an answer needs input tokens')
    if (tin >= config.context) {
      throw new InferenceError('context', `${tin} input tokens leave no room in a context of ${config.context}`)
    }
    if (!Number.isInteger(maxTokens) || maxTokens < 1) {
      throw new InferenceError('sampling', `an answer of at most ${maxTokens} tokens`)
    }
    this.#config = config
    this.#text = text
    this.#rule = rule
  }

  /** Why the answer ended; undefined while it goes on. */
  get reason(): EndReason | undefined {
    return this.#reason
  }

  /** Takes the next output token. */
  push(token: number): EndReason | undefined {
    if (this.#reason !== undefined) throw new Error('the answer has ended')
    this.#count++
    this.#reason = this.#reasonAfter(token)
    return this.#reason
  }

  #reasonAfter(token: number): EndReason | undefined {
    const { tin, maxTokens } = this.#rule
    if (token === this.#config.eos) return 'eos'
    if (this.#stopsWith(token)) return 'stop'
    if (this.#count === maxTokens) return 'length'
    return tin + this.#count === this.#config.context ? 'context' : undefined
  }

  /** Earlier tokens contained no stop string, so one that is there reaches into the last token's bytes. */
  #stopsWith(token: number): boolean {
    if (this.#rule.stops.length === 0) return false
    const text = Buffer.concat([this.#tail, this.#text.decode([token])])
    this.#tail = text.subarray(Math.max(0, text.length - stopBytesMax + 1))
    return this.#rule.stops.some((stop) => text.includes(Buffer.from(stop)))
  }
}
