import { checkTokens, type Session, type Step } from '../engine.ts'
import { InferenceError } from '../inference-error.ts'
import type { ModelConfig } from '../model-config.ts'
import type { Trace } from '../trace.ts'
import type { KeyValuePages } from './key-value-pages.ts'
import type { PlacedSlot } from './placed-adapters.ts'

/** What an engine gives a session. */
export type SessionParts = {
  readonly config: ModelConfig
  readonly pages: KeyValuePages
  readonly slots: readonly PlacedSlot[]
  /** Positions that the pages have room for. */
  readonly positions: number
  step(steps: readonly Step[]): Int32Array[]
  release(): void
}

export class WasmSession implements Session {
  readonly #parts: SessionParts
  #length = 0
  #closed = false

  constructor(parts: SessionParts) {
    this.#parts = parts
  }

  get length(): number {
    return this.#length
  }

  /** Address of the list of its pages. */
  get pages(): number {
    return this.#parts.pages.table
  }

  get slots(): readonly PlacedSlot[] {
    return this.#parts.slots
  }

  append(tokens: readonly number[], trace?: Trace, headFrom?: number): Int32Array {
    const [logits] = this.#parts.step([{ session: this, tokens, trace, headFrom }])
    if (logits === undefined) throw new Error('a step without an outcome')
    return logits
  }

  /** Throws where it may not take the tokens. */
  check(tokens: readonly number[], headFrom: number): void {
    const { config, positions } = this.#parts
    if (this.#closed) throw new Error('the session is closed')
    checkTokens(config, this.#length, tokens, headFrom)
    if (this.#length + tokens.length > positions) {
      throw new InferenceError('context', `${this.#length + tokens.length} positions exceed the session's ${positions}`)
    }
  }

  /** Positions that the engine has run. */
  advance(positions: number): void {
    this.#length += positions
  }

  close(): void {
    if (!this.#closed) this.#parts.release()
    this.#closed = true
  }
}
