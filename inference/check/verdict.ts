import type { Op } from '../trace.ts'

/** Where an answer first goes wrong: slab and position as in docs/canonical-inference.md §12, the row of the op's output. */
export type Fault = {
  readonly slab: number
  readonly op: Op
  readonly position: number
  readonly part: number
  /** Undefined where the checker cannot tell: a linear without its weights. */
  readonly row: number | undefined
  readonly reason: string
}

/**
 * What a checker says of an answer. `fault`: the first wrong unit. `answer`: wrong without a unit of the trace: an output token, the
 * end, the counts. `root`: the roots differ, and the parts that differ are not at hand. A hint: money moves on proofs alone.
 */
export type Verdict =
  | { readonly ok: true }
  | ({ readonly ok: false; readonly kind: 'unit' } & Fault)
  | { readonly ok: false; readonly kind: 'answer'; readonly position: number; readonly reason: string }
  | { readonly ok: false; readonly kind: 'root'; readonly reason: string }
