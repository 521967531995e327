import { AskedThread } from '../../common/asked-thread.ts'
import type { SketchFolders, SketchOutcome, SketchTask, ToSketches } from './sketch-jobs.ts'

/** Answers that wait for their turn. */
const waitingMax = 64

/** Makes query sketches on a thread of its own: blocks are imported while gradients are computed. */
export class SketchThread {
  readonly #thread: AskedThread<ToSketches, SketchOutcome>

  constructor(places: SketchFolders) {
    const file = new URL('./sketch-worker.mjs', import.meta.url)
    this.#thread = new AskedThread({ file, name: 'query sketches', data: places, waitingMax })
  }

  /** Throws Error with what the thread says, and where too many wait. */
  query(task: SketchTask): Promise<SketchOutcome> {
    return this.#thread.ask((id) => ({ id, task }))
  }

  close(): Promise<void> {
    return this.#thread.close()
  }
}
