import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import type { IndexRecord } from '../../attribution/suffix/index-record.ts'
import type { IndexSource } from '../../chain/indexes/obtain-index.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { writeFileAtomic } from '../../common/atomic-file.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { type Action, action } from './action.ts'
import { checkPublished, type IndexVerdict } from './check-published.ts'

export type IndexWatchParts = {
  readonly book: LedgerBook
  readonly folder: IndexFolder
  readonly source: IndexSource
  /** Keeps which indexes were found right. */
  readonly dir: string
  readonly nowMs: () => number
  readonly log: Log
}

type Checked = { readonly verdict: IndexVerdict; readonly waitMs: number; readonly againAtMs: number }

/** Between looks for what was not to be had, doubled each time. */
const retryMs = { first: 5_000, max: 600_000 } as const
/** Evidence about an index: EvidenceRewards' scope. */
const scopeIndex = 5

/** Checks every published index by making it again, one at a time beside all else, and proves false what is. */
export class IndexWatch {
  readonly #parts: IndexWatchParts
  readonly #file: string
  readonly #right: Set<Hex>
  readonly #checked = new Map<Hex, Checked>()
  /** Retirements that were told, by their place, as long as their notice runs. */
  readonly #told = new Set<number>()
  #work: Promise<void> | undefined

  constructor(parts: IndexWatchParts) {
    this.#parts = parts
    this.#file = join(parts.dir, 'right-indexes.json')
    this.#right = new Set(readIds(this.#file))
  }

  /** True while an index is being checked. */
  get isBusy(): boolean {
    return this.#work !== undefined
  }

  /** Resolves when nothing is being checked. */
  async settle(): Promise<void> {
    await this.#work
  }

  /** Challenges of indexes that are wrong; starts the check of the next one. */
  look(): Action[] {
    this.#tellOfRetired()
    const standing = this.#standing()
    for (const id of this.#checked.keys()) if (!standing.has(id)) this.#checked.delete(id)
    const next = [...standing].find(([id]) => this.#isDue(id))
    if (next !== undefined && this.#work === undefined) {
      this.#work = this.#check(...next).finally(() => {
        this.#work = undefined
      })
    }
    return [...this.#checked].flatMap(([id, { verdict }]) =>
      verdict.kind === 'wrong' ? challengeOf(id, verdict.challenge) : [],
    )
  }

  /** Who sees to a model wants to know in time that an index of it is about to die: a bond more keeps it. */
  #tellOfRetired(): void {
    const { book, log } = this.#parts
    const now = book.head?.time ?? 0n
    const dying = book.events('IndexRetired').filter(({ args }) => (args['deadFrom'] as bigint) > now)
    for (const pos of this.#told) if (dying.every((retired) => retired.pos !== pos)) this.#told.delete(pos)
    for (const { pos, args } of dying) {
      const [id, deadFrom] = [args['id'] as Hex, args['deadFrom'] as bigint]
      if (this.#told.has(pos) || !this.#right.has(id)) continue
      this.#told.add(pos)
      if ((book.lastEvent('IndexTakenOver', id)?.pos ?? 0) < pos)
        log.warn('a right index is retired and dies unless somebody publishes it again', { index: id, deadFrom })
    }
  }

  /** Indexes that nobody proved false yet. */
  #standing(): Map<Hex, IndexRecord> {
    const { book } = this.#parts
    const gone = new Set(book.events('IndexProvenFalse').map(({ args }) => args['id'] as Hex))
    const published = book
      .events('IndexPublished')
      .map(({ args }) => [args['id'] as Hex, args['index'] as IndexRecord] as const)
    return new Map(published.filter(([id]) => !gone.has(id)))
  }

  #isDue(id: Hex): boolean {
    const { folder, nowMs } = this.#parts
    if (this.#right.has(id) && folder.place(id) !== undefined) return false
    const checked = this.#checked.get(id)
    return checked === undefined || (checked.verdict.kind === 'unknown' && checked.againAtMs <= nowMs())
  }

  async #check(id: Hex, record: IndexRecord): Promise<void> {
    const { folder, source, nowMs, log } = this.#parts
    const waitMs = Math.min(2 * (this.#checked.get(id)?.waitMs ?? retryMs.first / 2), retryMs.max)
    const fields = { index: id, datanet: record.datanet, version: record.version }
    let verdict: IndexVerdict
    try {
      verdict = await checkPublished(folder, record, source)
    } catch (error) {
      if (source.signal.aborted) return
      verdict = { kind: 'unknown', why: errorMessage(error) }
    }
    this.#checked.set(id, { verdict, waitMs, againAtMs: nowMs() + waitMs })
    if (verdict.kind === 'right') {
      log.info('an index is right', fields)
      await this.#keepRight(id)
    } else if (verdict.kind === 'wrong') {
      log.warn('an index is wrong', { ...fields, fault: verdict.challenge.functionName })
    } else if (verdict.kind === 'unshowable') {
      log.error('an index is not what its contents make, and nothing shows it', fields)
    } else log.warn('an index is not checked yet, trying again', { ...fields, retryMs: waitMs, error: verdict.why })
  }

  async #keepRight(id: Hex): Promise<void> {
    this.#right.add(id)
    await writeFileAtomic(this.#file, JSON.stringify([...this.#right]))
  }
}

function challengeOf(
  id: Hex,
  { functionName, args }: { readonly functionName: string; readonly args: readonly unknown[] },
): Action {
  const subject = bytesToHex(keccak256(concatBytes(uintBytes(scopeIndex, 32), hexToBytes(id), uintBytes(0, 32))))
  return { ...action('challenge', { contract: 'IndexRegistry', functionName, args }, { subject: id }), subject }
}

/** None where there is no such file, or it is damaged: then all is checked again. */
function readIds(file: string): Hex[] {
  try {
    const ids: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return Array.isArray(ids) ? ids.filter((id): id is Hex => typeof id === 'string') : []
  } catch {
    return []
  }
}
