import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { errorMessage } from '../../common/errors.ts'
import type { Slot } from '../../inference/adapter/adapter.ts'
import { adapterRoot, decodeAdapter } from '../../inference/adapter/adapter-file.ts'
import type { CheckOutcome } from '../../inference/check/check-answer.ts'
import { CheckError } from '../../inference/check/check-error.ts'
import type { ReceiptFacts } from '../../inference/check/check-proof.ts'
import { CheckerThread } from '../../inference/check/checker-thread.ts'
import { SecretPool } from '../../inference/check/pool.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { CheckerError } from './checker-error.ts'
import { filesOf, type PoolTask } from './make-pool.ts'

/** An answer that can be judged: whose model and adapters it names, and what request and receipt say. */
export type CheckTask = {
  /** Root of the model's weights. */
  readonly model: Hex
  readonly adapters: readonly { readonly root: Hex; readonly weight: number }[]
  readonly facts: Omit<ReceiptFacts, 'slots'>
  readonly file: Uint8Array
}

type Loaded = { readonly pool: SecretPool; readonly thread: CheckerThread }

/**
 * The models that answers are checked of. Of each a pool is made once, on a thread of its own, from a file that may then go;
 * checks run on another thread: blocks are imported meanwhile.
 */
export class CheckedModels {
  readonly #folders: readonly string[]
  readonly #pools: string
  readonly #models = new Map<Hex, Promise<Loaded>>()

  /** `pools`: a folder of this node alone; who reads it can deceive it. */
  constructor(folders: readonly string[], pools: string) {
    this.#folders = folders
    this.#pools = pools
  }

  /** Throws {@link CheckerError} for what is not here, and what `CheckerThread.check` throws. */
  async check({ model, adapters, facts, file }: CheckTask): Promise<CheckOutcome> {
    const { pool, thread } = await this.#load(model)
    const slots: Slot[] = []
    for (const { root, weight } of adapters) slots.push({ adapter: await this.#adapter(root, pool), weight })
    try {
      return await thread.check({ ...facts, slots }, file)
    } catch (error) {
      // All pairs are used up: the weights are read again.
      if (error instanceof CheckError && error.code === 'empty') await this.#forget(model, thread)
      throw error
    }
  }

  async close(): Promise<void> {
    const loaded = await Promise.allSettled(this.#models.values())
    this.#models.clear()
    await Promise.all(loaded.map((each) => (each.status === 'fulfilled' ? each.value.thread.close() : undefined)))
  }

  #load(root: Hex): Promise<Loaded> {
    const known = this.#models.get(root)
    if (known !== undefined) return known
    const loading = this.#open(root).then((pool) => ({ pool, thread: new CheckerThread(pool) }))
    this.#models.set(root, loading)
    loading.catch(() => this.#models.delete(root))
    return loading
  }

  async #open(root: Hex): Promise<SecretPool> {
    const missing = new CheckerError(
      'no-model',
      `there is no model ${root} in ${this.#folders.join(', ') || 'no folder'}`,
    )
    const read = () =>
      SecretPool.open({ folder: this.#pools, root }, async () => {
        throw missing
      })
    try {
      return await read()
    } catch (error) {
      if (error !== missing) throw error
    }
    if (!(await inThread({ root, folders: this.#folders, pools: this.#pools }))) throw missing
    return await read()
  }

  async #forget(root: Hex, thread: CheckerThread): Promise<void> {
    this.#models.delete(root)
    await thread.close()
  }

  async #adapter(root: Hex, { kept }: SecretPool) {
    for (const path of await filesOf(this.#folders, '.ola')) {
      try {
        const adapter = decodeAdapter(await readFile(path), kept)
        if (adapterRoot(adapter) === root) return adapter
      } catch (error) {
        // One of another model.
        if (!(error instanceof InferenceError)) throw error
      }
    }
    throw new CheckerError('no-adapter', `the adapter ${root} is not here`)
  }
}

async function inThread(task: PoolTask): Promise<boolean> {
  const worker = new Worker(new URL('./pool-worker.mjs', import.meta.url), { workerData: task })
  try {
    const [made] = (await once(worker, 'message')) as [boolean]
    return made
  } catch (cause) {
    throw new CheckerError('pool', `the pool of ${task.root} is not made: ${errorMessage(cause)}`, { cause })
  } finally {
    await worker.terminate()
  }
}
