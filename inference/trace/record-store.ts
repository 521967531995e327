import { InferenceError } from '../inference-error.ts'
import type { TraceTree } from './layout.ts'
import type { RecordSink } from './recorder.ts'

/** Records kept in memory; all, or those that `wants`. */
export class RecordStore {
  readonly #records = new Map<string, Uint8Array>()
  readonly #wants: (tree: TraceTree, slab: number, position: number) => boolean

  constructor(wants: (tree: TraceTree, slab: number, position: number) => boolean = () => true) {
    this.#wants = wants
  }

  /** To be given to a recorder. */
  readonly add: RecordSink = (tree, slab, position, bytes) => {
    if (this.#wants(tree, slab, position)) this.#records.set(`${tree} ${slab} ${position}`, bytes.slice())
  }

  /** Throws {@link InferenceError} for a record that is not kept. */
  readonly get = (tree: TraceTree, slab: number, position: number): Uint8Array => {
    const record = this.#records.get(`${tree} ${slab} ${position}`)
    if (record === undefined)
      throw new InferenceError('trace', `no ${tree} record of slab ${slab}, position ${position}`)
    return record
  }
}
