import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { errorMessage } from '../../common/errors.ts'
import type { Adapter, Slot } from '../../inference/adapter/adapter.ts'
import { CheckError } from '../../inference/check/check-error.ts'
import type { ProofOutcome, ReceiptFacts } from '../../inference/check/check-proof.ts'
import { CheckerThread } from '../../inference/check/checker-thread.ts'
import { SecretPool } from '../../inference/check/pool.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { CheckerError } from './checker-error.ts'
import type { FetchedAdapters } from './fetched-adapters.ts'
import type { PoolTask } from './make-pool.ts'
import { filesOf, findAdapter } from './model-files.ts'

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
  readonly #fetched: Pick<FetchedAdapters, 'get'>
  readonly #models = new Map<Hex, Promise<Loaded>>()
  readonly #pairs = new Map<Hex, SecretPool>()

  /** `pools`: a folder of this node alone; who reads it can deceive it. `fetched`: where adapters that are not in `folders` come from. */
  constructor(folders: readonly string[], pools: string, fetched: Pick<FetchedAdapters, 'get'>) {
    this.#folders = folders
    this.#pools = pools
    this.#fetched = fetched
  }

  /** Throws {@link CheckerError} for what is not here, and what `CheckerThread.check` throws. */
  async check({ model, adapters, facts, file }: CheckTask): Promise<ProofOutcome> {
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

  /** Whether all adapters of a request are here now, fetched from other nodes where they were not. Throws {@link CheckerError}. */
  async haveAdapters({ model, adapters }: Pick<CheckTask, 'model' | 'adapters'>): Promise<boolean> {
    if (adapters.length === 0) return true
    const { pool } = await this.#load(model)
    const found = await Promise.all(adapters.map(({ root }) => this.#find(root, pool)))
    return !found.includes(undefined)
  }

  /** Opens the pools that are on disk, so that it is known at once what can be checked. */
  async openPools(): Promise<void> {
    const roots = (await readdir(this.#pools)).filter((name) => /^[0-9a-f]{64}$/.test(name))
    for (const root of roots) {
      const pool = await readPool(this.#pools, `0x${root}`)
      if (pool !== undefined) await this.#load(pool.kept.root)
    }
  }

  /** Models that can be checked now, and how many secret pairs are left of each. */
  ready(): { readonly root: Hex; readonly pairsLeft: number }[] {
    return [...this.#pairs].map(([root, pool]) => ({ root, pairsLeft: pool.pairsLeft }))
  }

  /** Files with weights that a pool can be made from. */
  async weights(): Promise<number> {
    return (await filesOf(this.#folders, '.olm')).length
  }

  async close(): Promise<void> {
    const loaded = await Promise.allSettled(this.#models.values())
    this.#models.clear()
    await Promise.all(loaded.map((each) => (each.status === 'fulfilled' ? each.value.thread.close() : undefined)))
  }

  #load(root: Hex): Promise<Loaded> {
    const known = this.#models.get(root)
    if (known !== undefined) return known
    const loading = this.#open(root).then((pool) => {
      this.#pairs.set(root, pool)
      return { pool, thread: new CheckerThread(pool) }
    })
    this.#models.set(root, loading)
    loading.catch(() => this.#models.delete(root))
    return loading
  }

  async #open(root: Hex): Promise<SecretPool> {
    const known = await readPool(this.#pools, root)
    if (known !== undefined) return known
    const isMade = await inThread({ root, folders: this.#folders, pools: this.#pools })
    const made = isMade ? await readPool(this.#pools, root) : undefined
    if (made !== undefined) return made
    throw new CheckerError(
      'no-model',
      `neither secret pairs nor weights of the model ${root} are here: ${this.#folders.join(', ') || 'no folder of models'}`,
    )
  }

  async #forget(root: Hex, thread: CheckerThread): Promise<void> {
    this.#models.delete(root)
    this.#pairs.delete(root)
    await thread.close()
  }

  async #adapter(root: Hex, pool: SecretPool): Promise<Adapter> {
    const found = await this.#find(root, pool)
    if (found === undefined) throw new CheckerError('no-adapter', `no node that is asked has the adapter ${root}`)
    return found
  }

  async #find(root: Hex, { kept }: SecretPool): Promise<Adapter | undefined> {
    return (await findAdapter(this.#folders, root, kept)) ?? (await this.#fetched.get(root, kept))
  }
}

/** What is on disk of a model; undefined where no pair of it is left. */
async function readPool(folder: string, root: Hex): Promise<SecretPool | undefined> {
  const none = new CheckerError('no-model', 'no pool')
  try {
    return await SecretPool.open({ folder, root }, async () => {
      throw none
    })
  } catch (error) {
    if (error === none) return undefined
    throw error
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
