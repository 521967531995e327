import type { ModelConfig } from '../model-config.ts'
import type { FloatModel } from './float-model.ts'
import { FloatReference } from './reference.ts'

/** What an engine shows of a position: the state that logits are made of, or the logits alone. */
export const fingerprintKinds = { state: 0, logits: 1 } as const
export type FingerprintKind = (typeof fingerprintKinds)[keyof typeof fingerprintKinds]

/**
 * A position behind its token. Logits may lack a constant, unless they are logarithms of probabilities, and are -Infinity where they are
 * not known.
 */
export type FloatStep = {
  readonly logits: Float64Array
  readonly areLogProbabilities?: boolean
  readonly state?: Float64Array | undefined
}

export type FloatSession = {
  /** Runs tokens at the next positions, and shows each of them from `from` on, an index of `tokens`. */
  readonly append: (tokens: readonly number[], from: number, signal: AbortSignal) => Promise<readonly FloatStep[]>
  readonly close: () => void
}

/** A way to run a model in floats: no two ways, and seldom two runs of one, give the same bits. */
export type FloatEngine = {
  readonly config: Pick<ModelConfig, 'vocab' | 'dim' | 'context' | 'eos'>
  readonly kind: FingerprintKind
  /** Most candidates that it knows of a position; its answers take no more. Absent: all. */
  readonly candidatesMax?: number
  readonly start: () => Promise<FloatSession>
}

/** Tokens between two turns of other work. */
const tokensPerTurn = 4

/** The engine that needs nothing installed: doubles, one position after another. */
export function referenceEngine(model: FloatModel, kind: FingerprintKind = fingerprintKinds.state): FloatEngine {
  const { embedding, config } = model
  return {
    config: { vocab: embedding.rows, dim: embedding.columns, context: config.context, eos: config.eos },
    kind,
    start: async () => {
      const reference = new FloatReference(model)
      return {
        append: async (tokens, from, signal) => {
          const steps: FloatStep[] = []
          for (const [i, token] of tokens.entries()) {
            const logits = reference.step(token)
            if (i >= from) steps.push({ logits, state: reference.state })
            if (i % tokensPerTurn === tokensPerTurn - 1) await new Promise(setImmediate)
            signal.throwIfAborted()
          }
          return steps
        },
        close: () => {},
      }
    },
  }
}
