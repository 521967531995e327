import type { Verdict } from '../../inference/check/verdict.ts'
import type { SamplingRule } from '../../inference/sampler.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** An answer to be checked, as plain data: what request and receipt say, and the file that the worker served. */
export type CheckTask = {
  /** Root of the model's weights. */
  readonly model: Hex
  /** Adapters of the request. */
  readonly adapters: readonly { readonly root: Hex; readonly weight: number }[]
  readonly promptRoot: Uint8Array
  readonly outputRoot: Uint8Array
  readonly traceRoot: Hex
  readonly rule: SamplingRule
  readonly seed: Uint8Array
  readonly maxTokens: number
  /** The payer gave up the rest. */
  readonly cancelled: boolean
  /** Positions that are run. */
  readonly positions: number
  readonly file: Uint8Array
}

/** Where a thread finds models and adapters, and keeps its pools. */
export type CheckFolders = {
  /** Model files are read once, to make a pool; then they may go. */
  readonly models: readonly string[]
  /** A folder of this node alone: who reads it can deceive it. */
  readonly pools: string
}

export type ToThread = { readonly id: number; readonly task: CheckTask; readonly folders: CheckFolders }
/** `failed`: nothing was found out about the answer; the code says why. */
export type FromThread =
  | { readonly id: number; readonly verdict: Verdict }
  | { readonly id: number; readonly failed: string; readonly code: string | undefined }
