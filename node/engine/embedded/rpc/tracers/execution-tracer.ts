import type { CallResult, Tracer } from '../../chain-view.ts'

/** A tracer and the answer it leads to. */
export type ExecutionTracer = {
  readonly listener: Tracer
  /** `gasLimit` is that of the transaction or call, intrinsic gas included. */
  readonly result: (result: CallResult, gasLimit: bigint) => unknown
}
