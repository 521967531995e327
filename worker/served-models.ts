import type { L2Rpc } from '../chain/ledger/l2-rpc.ts'
import { type ModelTerms, modelTerms, versionsOf } from '../chain/ledger/model-terms.ts'
import { errorMessage } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import { LruCache } from '../common/lru-cache.ts'
import type { Hex } from '../protocol/bytes.ts'
import { type Indexes, requireIndexes } from './attribute/contributions.ts'
import { JobError } from './jobs/job-error.ts'

type Parts = {
  readonly rpc: L2Rpc
  readonly indexes: Indexes
  /** Fetches an index that is not here; throws where nobody has it. */
  readonly obtainIndex: (id: Hex, signal: AbortSignal) => Promise<void>
  readonly log: Log
  /** Roots of the models whose files are here. */
  readonly roots: ReadonlySet<Hex>
}

/** Versions whose terms are kept. */
const termsMax = 1_000

/** Model versions on chain that this worker can answer, and what their registrations say. */
export class ServedModels {
  readonly #parts: Parts
  /** They never change. */
  readonly #terms = new LruCache<Hex, ModelTerms>(termsMax)
  #versions: readonly Hex[] = []

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** As of the last look, in the order of their registration. */
  get versions(): readonly Hex[] {
    return this.#versions
  }

  /** Throws {@link JobError} `unknown-model` where there is no such version, and what the RPC throws. */
  async terms(modelVersion: Hex): Promise<ModelTerms> {
    const known = this.#terms.get(modelVersion) ?? (await modelTerms(this.#parts.rpc, modelVersion))
    if (known === undefined) throw new JobError('unknown-model', `there is no model version ${modelVersion}`)
    return this.#terms.set(modelVersion, known)
  }

  /** The root of a version's weights. Throws as {@link terms}, and where its answers could not be attributed here. */
  readonly root = async (modelVersion: Hex): Promise<Hex> => (await this.served(modelVersion)).root

  /** What a version's registration says. Throws as {@link root}. */
  async served(modelVersion: Hex): Promise<ModelTerms> {
    const terms = await this.terms(modelVersion)
    requireIndexes(terms, this.#parts.indexes)
    return terms
  }

  /** Fetches the indexes that versions of the models here name, and looks again. Throws what the RPC throws. */
  async obtain(signal: AbortSignal): Promise<void> {
    const { rpc, roots, indexes, obtainIndex, log } = this.#parts
    const terms = await Promise.all((await versionsOf(rpc, roots)).map((version) => this.terms(version)))
    for (const id of new Set(terms.flatMap(({ indexIds }) => indexIds))) {
      if (indexes.place(id) !== undefined || signal.aborted) continue
      await obtainIndex(id, signal).catch((error: unknown) =>
        log.warn('an index of a model is not to be had', { index: id, error: errorMessage(error) }),
      )
    }
    await this.look()
  }

  /** Looks for versions of the models that are here. Throws what the RPC throws. */
  async look(): Promise<void> {
    const { rpc, roots, indexes } = this.#parts
    const served: Hex[] = []
    for (const version of await versionsOf(rpc, roots)) {
      try {
        requireIndexes(await this.terms(version), indexes)
        served.push(version)
      } catch (error) {
        if (!(error instanceof JobError)) throw error
      }
    }
    this.#versions = served
  }
}
