import type { Question } from '../../inference/check/descent.ts'
import type { DemandCall } from '../../inference/check/trace-questions.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { AnswerTask, LayerDraw } from './backend.ts'
import type { FloatChoice } from './float-choice.ts'

/** Files that a thread may have to open, by root. */
export type Files = {
  readonly model: string
  readonly adapters: readonly string[]
  /** What computes answers of class FINGERPRINT; absent: our own engine. */
  readonly float?: FloatChoice | undefined
}

export type ToThread =
  | { readonly kind: 'answer'; readonly id: number; readonly task: AnswerTask; readonly files: Files }
  | {
      readonly kind: 'trace'
      readonly id: number
      readonly task: AnswerTask
      readonly output: readonly number[]
      readonly files: Files
    }
  | {
      readonly kind: 'show'
      readonly id: number
      readonly task: AnswerTask
      readonly output: readonly number[]
      readonly questions: readonly Question[]
      readonly files: Files
    }
  | {
      readonly kind: 'sample'
      readonly id: number
      readonly task: AnswerTask
      readonly output: readonly number[]
      readonly draw: LayerDraw
      readonly files: Files
    }
  | { readonly kind: 'abort'; readonly id: number }

export type FromThread =
  | { readonly kind: 'tokens'; readonly id: number; readonly tokens: readonly number[] }
  /** `proof`: what is sent of the trace; absent where none was asked for, or layers are drawn later. */
  | { readonly kind: 'end'; readonly id: number; readonly traceRoot: Hex; readonly proof?: Uint8Array | undefined }
  | { readonly kind: 'shown'; readonly id: number; readonly calls: readonly DemandCall[] }
  | { readonly kind: 'sampled'; readonly id: number; readonly file: Uint8Array }
  | { readonly kind: 'failed'; readonly id: number; readonly code: string | undefined; readonly message: string }
