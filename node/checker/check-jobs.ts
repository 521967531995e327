import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorMessage } from '../../common/errors.ts'
import type { Slot } from '../../inference/adapter/adapter.ts'
import { decodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { adapterRoot } from '../../inference/adapter/adapter-file.ts'
import type { CheckParts } from '../../inference/check/check-answer.ts'
import { checkExactProof } from '../../inference/check/check-proof.ts'
import { bytesSource } from '../../inference/check/model-source.ts'
import type { SecretPair } from '../../inference/check/pair-file.ts'
import { SecretPool } from '../../inference/check/pool.ts'
import type { Verdict } from '../../inference/check/verdict.ts'
import { WeightlessPass } from '../../inference/check/weightless-pass.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { FormatError, type Hex } from '../../protocol/bytes.ts'
import { CheckerError } from './checker-error.ts'
import type { CheckFolders, CheckTask, FromThread, ToThread } from './check-messages.ts'

/** A model without its weights, and the pair that checks it now. */
type Loaded = { readonly pool: SecretPool; pair?: SecretPair; parts?: CheckParts }

/** Linears of a layer, each checked once at each position. */
const linearsOfLayer = 7

/** Checks answers one after another, on a thread of its own. */
export class CheckJobs {
  readonly #post: (message: FromThread) => void
  readonly #models = new Map<Hex, Promise<Loaded>>()
  #last: Promise<void> = Promise.resolve()

  constructor(post: (message: FromThread) => void) {
    this.#post = post
  }

  take({ id, task, folders }: ToThread): void {
    this.#last = this.#last.then(async () => {
      try {
        this.#post({ id, verdict: await this.#check(task, folders) })
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
        this.#post({ id, failed: errorMessage(error), code })
      }
    })
  }

  async #check(task: CheckTask, folders: CheckFolders): Promise<Verdict> {
    const loaded = await this.#load(task.model, folders)
    const slots = await slotsOf(task, loaded.pool.kept, folders.models)
    const parts = await partsFor(loaded, task.positions)
    const { verdict } = checkExactProof(parts, { ...task, slots, stops: [] }, task.file)
    if (!verdict.ok) {
      // A liar learns something of the pair that caught him.
      await loaded.pool.retire()
      delete loaded.pair
    }
    return verdict
  }

  #load(root: Hex, { models, pools }: CheckFolders): Promise<Loaded> {
    const known = this.#models.get(root)
    if (known !== undefined) return known
    const loading = openPool(root, models, pools).then((pool) => ({ pool }))
    this.#models.set(root, loading)
    loading.catch(() => this.#models.delete(root))
    return loading
  }
}

/** Throws CheckerError `no-model` where there is neither a pool nor a file of the model. */
async function openPool(root: Hex, folders: readonly string[], pools: string): Promise<SecretPool> {
  const open = (weights: () => ReturnType<typeof sourceOf>) => SecretPool.open({ folder: pools, root }, weights)
  for (const path of await filesOf(folders, '.olm')) {
    try {
      return await open(() => sourceOf(path))
    } catch (error) {
      // Another model: the pool reads it against the root.
      if (!(error instanceof FormatError)) throw error
    }
  }
  return await open(async () => {
    throw new CheckerError('no-model', `there is no model ${root} in ${folders.join(', ') || 'no folder'}`)
  })
}

const sourceOf = async (path: string) => bytesSource(await readFile(path))

async function partsFor(loaded: Loaded, positions: number): Promise<CheckParts> {
  const { kept } = loaded.pool
  const pair = await loaded.pool.take(positions * (linearsOfLayer * kept.config.layers + 1))
  if (loaded.parts === undefined || loaded.pair !== pair) {
    loaded.pair = pair
    loaded.parts = { kept, pass: new WeightlessPass(kept, pair), text: readTokenizer(kept.tokenizer) }
  }
  return loaded.parts
}

async function slotsOf(task: CheckTask, base: SecretPool['kept'], folders: readonly string[]): Promise<Slot[]> {
  const slots: Slot[] = []
  for (const { root, weight } of task.adapters) {
    const adapter = await adapterOf(root, base, folders)
    if (adapter === undefined) throw new CheckerError('no-adapter', `the adapter ${root} is not here`)
    slots.push({ adapter, weight })
  }
  return slots
}

async function adapterOf(root: Hex, base: SecretPool['kept'], folders: readonly string[]) {
  for (const path of await filesOf(folders, '.ola')) {
    const adapter = await readFile(path).then((bytes) => decodeAdapter(bytes, base)).catch(() => undefined)
    if (adapter !== undefined && adapterRoot(adapter) === root) return adapter
  }
  return undefined
}

async function filesOf(folders: readonly string[], extension: string): Promise<string[]> {
  const names = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).sort().map((name) => join(folder, name))),
  )
  return names.flat().filter((path) => path.endsWith(extension))
}
