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
   * many, the outcome is the same to the bit. Heads run from `headFrom` on, an index of `tokens`; where that is their
   * number, none does, and there are no logits. Throws {@link InferenceError} for a token or a length the model lacks.
   */
  append(tokens: readonly number[], trace?: Trace, headFrom?: number): Int32Array
  /** Gives the cache back; the session takes no more tokens. */
  close(): void
}

/** Tokens for one session, as {@link Session.append} takes them. */
export type Step = {
  readonly session: Session
  readonly tokens: readonly number[]
  readonly trace?: Trace | undefined
  readonly headFrom?: number | undefined
}

export type SessionOptions = {
  /** Adapters of the request, in its order. */
  readonly slots?: readonly Slot[] | undefined
  /** Most positions that the session will take, for which memory is kept; the model's context where it is not said. */
  readonly positions?: number | undefined
}

/** A way to run a canonical model. All ways give the same bits. */
export type Engine = {
  readonly config: ModelConfig
  /** Throws {@link InferenceError} for adapters that the model cannot take, and `memory` where there is no room. */
  start(options?: SessionOptions): Session
  /**
   * Appends to several of its sessions; each has the outcome that it has alone.
   */
  step(steps: readonly Step[]): Int32Array[]
}

/** Refuses what no engine may run. */
export function checkTokens(
  { vocab, context }: ModelConfig,
  length: number,
  tokens: readonly number[],
  headFrom = tokens.length - 1,
): void {
  if (tokens.length === 0) throw new InferenceError('token', 'no tokens to run')
  if (length + tokens.length > context) {
    throw new InferenceError('context', `${length + tokens.length} positions exceed the model's ${context}`)
  }
  for (const token of tokens) {
    if (!Number.isInteger(token) || token < 0 || token >= vocab) {
      throw new InferenceError('token', `token ${token} is not one of ${vocab}`)
    }
  }
  if (!Number.isInteger(headFrom) || headFrom < 0 || headFrom > tokens.length) {
    throw new InferenceError('token', `heads from ${headFrom} of ${tokens.length} tokens`)
  }
}
