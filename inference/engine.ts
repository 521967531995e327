import type { Slot } from './adapter/adapter.ts'
import { InferenceError } from './inference-error.ts'
import type { ModelConfig } from './model-config.ts'
import type { Trace } from './trace.ts'

/** One conversation: its cache of keys and values grows by the tokens that are given. */
export type Session = {
  /** Positions taken so far. */
  readonly length: number
  /**
   * Runs tokens at the next positions. Returns the logits after the last of them, Q16, `vocab` of them. In one call or in
   * many, the outcome is the same to the bit. Throws {@link InferenceError} for a token or a length the model lacks.
   */
  append(tokens: readonly number[], trace?: Trace): Int32Array
  /** Gives the cache back; the session takes no more tokens. */
  close(): void
}

/** A way to run a canonical model. All ways give the same bits. */
export type Engine = {
  readonly config: ModelConfig
  /** Throws {@link InferenceError} for adapters that the model cannot take. */
  start(options?: SessionOptions): Session
}

export type SessionOptions = {
  /** Adapters of the request, in its order. */
  readonly slots?: readonly Slot[]
}

/** Refuses what no engine may run. */
export function checkTokens({ vocab, context }: ModelConfig, length: number, tokens: readonly number[]): void {
  if (tokens.length === 0) throw new InferenceError('token', 'no tokens to run')
  if (length + tokens.length > context) {
    throw new InferenceError('context', `${length + tokens.length} positions exceed the model's ${context}`)
  }
  for (const token of tokens) {
    if (!Number.isInteger(token) || token < 0 || token >= vocab) {
      throw new InferenceError('token', `token ${token} is not one of ${vocab}`)
    }
  }
}
