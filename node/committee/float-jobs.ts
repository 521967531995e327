import type { Reply } from '../../common/asked-thread.ts'
import { failedJob } from '../../common/thread-job.ts'
import type { Slot } from '../../inference/adapter/adapter.ts'
import {
  checkFingerprint,
  type FloatAnswer,
  type FloatVerdict,
} from '../../inference/check/fingerprint/check-fingerprint.ts'
import { adaptedModel, floatOf } from '../../inference/float/dequantise.ts'
import { type FloatEngine, fingerprintKinds, referenceEngine } from '../../inference/float/float-engine.ts'
import type { FloatModel } from '../../inference/float/float-model.ts'
import type { ModelConfig } from '../../inference/model-config.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { FetchedAdapters } from '../checker/fetched-adapters.ts'
import { findAdapter, findModel } from '../checker/model-files.ts'

/** An answer of a float engine. Plain data; `file`: its fingerprint. */
export type FloatTask = {
  readonly model: Hex
  /** As the request names them. */
  readonly adapters: readonly { readonly root: Hex; readonly weight: number }[]
  readonly answer: FloatAnswer
  readonly file: Uint8Array
}
/** `no-model`: its weights are not here. `no-adapter`: one that it names is not here, and no node that was asked has it. */
export type FloatOutcome = FloatVerdict | 'no-model' | 'no-adapter'
export type FloatPlaces = {
  /** Models and adapters that the operator has. */
  readonly folders: readonly string[]
  /** Directory of adapters that are fetched by their roots. */
  readonly fetched: string
  /** Nodes that serve content. */
  readonly urls: readonly string[]
}
export type ToFloats = { readonly id: number; readonly task: FloatTask }

/** Place of the kind in a fingerprint. */
const kindAt = 8

type Loaded = { readonly root: Hex; readonly config: ModelConfig; readonly model: FloatModel }

/** The thread's side: answers one after another, the last model kept. */
export class FloatJobs {
  readonly #folders: readonly string[]
  readonly #fetched: FetchedAdapters
  readonly #tell: (reply: Reply<FloatOutcome>) => void
  #loaded: Loaded | undefined
  #last: Promise<void> = Promise.resolve()

  constructor({ folders, fetched, urls }: FloatPlaces, tell: (reply: Reply<FloatOutcome>) => void) {
    this.#folders = folders
    this.#fetched = new FetchedAdapters(fetched, urls, new AbortController().signal)
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

  async #check({ model: root, adapters, answer, file }: FloatTask): Promise<FloatOutcome> {
    const loaded = await this.#load(root)
    if (loaded === undefined) return 'no-model'
    const slots: Slot[] = []
    for (const { root: name, weight } of adapters) {
      const adapter = (await findAdapter(this.#folders, name, loaded)) ?? (await this.#fetched.get(name, loaded))
      if (adapter === undefined) return 'no-adapter'
      slots.push({ adapter, weight })
    }
    const model = adaptedModel(loaded.model, loaded.config, slots)
    const kind = file[kindAt] === fingerprintKinds.logits ? fingerprintKinds.logits : fingerprintKinds.state
    const engine: FloatEngine = referenceEngine(model, kind)
    const { signal } = new AbortController()
    return await checkFingerprint(engine, readTokenizer(model.tokenizer), answer, file, { signal })
  }

  async #load(root: Hex): Promise<Loaded | undefined> {
    if (this.#loaded?.root === root) return this.#loaded
    const canonical = await findModel(this.#folders, root)
    if (canonical === undefined) return undefined
    this.#loaded = { root, config: canonical.config, model: floatOf(canonical) }
    return this.#loaded
  }
}
