import type { Question } from '../../inference/check/descent.ts'
import type { DemandCall } from '../../inference/check/trace-questions.ts'
import type { SamplingRule } from '../../inference/sampling-rule.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** What a model needs to answer; numbers as in the request. */
export type AnswerTask = {
  readonly modelRoot: Hex
  readonly adapters: readonly { readonly root: Hex; readonly weight: number }[]
  readonly prompt: Uint32Array
  readonly sampling: SamplingRule & { readonly maxTokens: number; readonly stopHash: Hex }
  /** The strings under `stopHash`. */
  readonly stops: readonly Uint8Array[]
  /** 32 bytes. */
  readonly seed: Uint8Array
  /** Whether the trace is committed: classes EXACT and SAMPLED. */
  readonly traced: boolean
  /** Class SAMPLED: nothing of the trace is sent before its layers are drawn. */
  readonly sampled: boolean
  /** Class FINGERPRINT: a float engine answers, and its fingerprint is committed. */
  readonly fingerprinted?: boolean
}

/** What an answer is proven by. */
export type AnswerProof = {
  /** Zeros where no trace was asked for. */
  readonly traceRoot: Hex
  /** What is sent of the trace; absent where none was asked for, or layers are drawn later. */
  readonly proof?: Uint8Array | undefined
}

/** Tokens as they come, and at last their proof. */
export type AnswerEvent =
  | { readonly kind: 'tokens'; readonly tokens: readonly number[] }
  | ({ readonly kind: 'end' } & AnswerProof)

/** What draws an answer's layers. */
export type LayerDraw = { readonly beacon: Hex; readonly requestId: Hex }

/** A way to answer. What it yields for a task never depends on what else it is doing. */
export type Backend = {
  /** Throws JobError `unknown-model`, `unknown-adapter`, `prompt-too-long`, `stop-mismatch`, `sampling` for what it cannot run. */
  readonly check: (task: AnswerTask) => void
  readonly answer: (task: AnswerTask, signal: AbortSignal) => AsyncIterable<AnswerEvent>
  /** The proof of this answer, which is run again. */
  readonly trace: (task: AnswerTask, output: Uint32Array, signal: AbortSignal) => Promise<AnswerProof>
  /** What is sent of the trace of this answer, which is run again, of class SAMPLED. */
  readonly sample: (task: AnswerTask, output: Uint32Array, draw: LayerDraw, signal: AbortSignal) => Promise<Uint8Array>
  /** What answers questions about the trace of this answer, one call a question. */
  readonly show: (
    task: AnswerTask,
    output: Uint32Array,
    questions: readonly Question[],
    signal: AbortSignal,
  ) => Promise<readonly DemandCall[]>
}
