import type { Hex } from '../../protocol/bytes.ts'
import type { TraceHead } from '../trace/head.ts'
import type { TraceTree } from '../trace/layout.ts'

/** Neighbouring leaves with the hashes beside their way up, level by level, the one on the left before the one on the right. */
export type Run = { readonly first: number; readonly data: Uint8Array; readonly siblings: readonly Uint8Array[] }

/** An adapter as a request names it. */
export type AdapterRef = { readonly root: Hex; readonly weight: number }

/** What is known of an answer. Roots of the model, the trace and the token lists; seed = SHA-256(requestId ‖ worker). */
export type StepContext = {
  readonly modelRoot: Hex
  readonly traceRoot: Hex
  readonly promptRoot: Hex
  readonly outputRoot: Hex
  readonly tin: number
  readonly tout: number
  readonly tempQ16: number
  readonly topK: number
  readonly topPQ16: number
  readonly seed: Hex
  readonly adapters: readonly AdapterRef[]
}

/** Leaves of a section of the model (file 0) or of the adapter of slot file − 1, with the section's leaf in its file's tree. */
export type SectionRun = {
  readonly file: number
  readonly section: number
  readonly leaf: Uint8Array
  readonly siblings: readonly Uint8Array[]
  readonly run: Run
}

/** A tree's number on chain is its place in this list. */
export const treeNumbers: readonly TraceTree[] = ['linear', 'derived']

export type TraceRun = { readonly tree: TraceTree; readonly run: Run }

/** The element of a unit that is said to be wrong; `op` is an id of docs/canonical-inference.md §7. */
export type StepElement = {
  readonly op: number
  readonly layer: number
  readonly position: number
  readonly part: number
  readonly element: number
}

/** An element with what shows that it is wrong, as contracts/src/lib/StepTypes.sol has it. */
export type Step = StepElement & {
  readonly head: TraceHead
  readonly model: readonly SectionRun[]
  readonly trace: readonly TraceRun[]
  readonly tokens: readonly Run[]
}
