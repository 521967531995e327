import type { Reply } from '../../common/asked-thread.ts'
import { failedJob } from '../../common/thread-job.ts'
import {
  checkFingerprint,
  type FloatAnswer,
  type FloatVerdict,
} from '../../inference/check/fingerprint/check-fingerprint.ts'
import { floatOf } from '../../inference/float/dequantise.ts'
import { type FloatEngine, fingerprintKinds, referenceEngine } from '../../inference/float/float-engine.ts'
import type { FloatModel } from '../../inference/float/float-model.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { findModel } from '../checker/model-files.ts'

/** An answer of a float engine. Plain data; `file`: its fingerprint. */
export type FloatTask = { readonly model: Hex; readonly answer: FloatAnswer; readonly file: Uint8Array }
/** `no-model`: its weights are not here. */
export type FloatOutcome = FloatVerdict | 'no-model'
export type ToFloats = { readonly id: number; readonly task: FloatTask }

/** Place of the kind in a fingerprint. */
const kindAt = 8

/** The thread's side: answers one after another, the last model kept. */
export class FloatJobs {
  readonly #folders: readonly string[]
  readonly #tell: (reply: Reply<FloatOutcome>) => void
  #model: { readonly root: Hex; readonly model: FloatModel } | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(folders: readonly string[], tell: (reply: Reply<FloatOutcome>) => void) {
    this.#folders = folders
    this.#tell = tell
  }

  take({ id, task }: ToFloats): void {
    this.#last = this.#last.then(async () => {
      try {
        this.#tell({ id, done: await this.#check(task) })
      } catch (error) {
        this.#tell({ id, failed: failedJob(error) })
      }
    })
  }

  async #check({ model: root, answer, file }: FloatTask): Promise<FloatOutcome> {
    const model = await this.#modelOf(root)
    if (model === undefined) return 'no-model'
    const kind = file[kindAt] === fingerprintKinds.logits ? fingerprintKinds.logits : fingerprintKinds.state
    const engine: FloatEngine = referenceEngine(model, kind)
    const { signal } = new AbortController()
    return await checkFingerprint(engine, readTokenizer(model.tokenizer), answer, file, { signal })
  }

  async #modelOf(root: Hex): Promise<FloatModel | undefined> {
    if (this.#model?.root === root) return this.#model.model
    const canonical = await findModel(this.#folders, root)
    if (canonical === undefined) return undefined
    const model = floatOf(canonical)
    this.#model = { root, model }
    return model
  }
}
