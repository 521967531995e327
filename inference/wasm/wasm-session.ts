import { checkTokens, type Session } from '../engine.ts'
import type { Trace } from '../trace.ts'
import type { ForwardPass } from './forward-pass.ts'
import { batchMax } from './workspace.ts'

export class WasmSession implements Session {
  readonly #pass: ForwardPass
  readonly #cache: number
  readonly #release: () => void
  #length = 0
  #closed = false

  constructor(pass: ForwardPass, cache: number, release: () => void) {
    this.#pass = pass
    this.#cache = cache
    this.#release = release
  }

  get length(): number {
    return this.#length
  }

  append(tokens: readonly number[], trace?: Trace): Int32Array {
    if (this.#closed) throw new Error('the session is closed')
    checkTokens(this.#pass.config, this.#length, tokens)
    for (let start = 0; start < tokens.length; start += batchMax) {
      const batch = tokens.slice(start, start + batchMax)
      this.#pass.run(batch, this.#length, this.#cache, start + batchMax >= tokens.length, trace)
      this.#length += batch.length
    }
    return this.#pass.logits()
  }

  close(): void {
    if (!this.#closed) this.#release()
    this.#closed = true
  }
}
