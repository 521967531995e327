import { join } from 'node:path'
import type { ShownRecord } from '../../chain/datanets/shown-record.ts'
import { CallReverted, callContract } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'
import type { ContentStore } from '../../common/content-store.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type Action, action, contributionSubject } from './action.ts'
import { signedItem } from './check-item.ts'
import { type Checked, CommunityBook, isLive, type KnownItem, type KnownVersion, stages } from './community-book.ts'
import { CommunityCheck } from './community-check.ts'
import type { WatcherMetrics } from './watcher-metrics.ts'

/** Checked in one go, before what is to be done is looked at again. */
const checksAtOnce = 256
/** Challenges that one look tries out. */
const triedMax = 64
/** Demands of one watcher that are open at a time: each has its price put down. */
const openDemandsMax = 4
/** Between looks for what was not to be had, doubled each time. */
const retryMs = { first: 5_000, max: 3_600_000 } as const
/** Between tries of what the contracts refuse. */
const refusedMs = 600_000
/** Between lines that tell how far it is. */
const progressMs = 30_000

export type CommunityWatchParts = {
  readonly rpc: L2Rpc
  readonly book: LedgerBook
  readonly content: ContentStore
  readonly peers: readonly string[]
  /** Keeps what was learnt and checked. */
  readonly dir: string
  /** Whose challenges they are. */
  readonly sender: Hex
  readonly nowMs: () => number
  readonly log: Log
  readonly metrics: Pick<WatcherMetrics, 'community'>
  readonly signal: AbortSignal
}

/**
 * Checks every contribution and every version of a Datanet by its bytes, beside all else, and shows what is false. What nobody
 * here has is looked for again; what no contract takes is left. docs/DATANETS.md §9, docs/REVIEW.md §5
 */
export class CommunityWatch {
  readonly #parts: CommunityWatchParts
  readonly #book: CommunityBook
  readonly #check: CommunityCheck
  readonly #told = new Set<string>()
  /** When what the contracts refused is tried again, by key. */
  readonly #refused = new Map<string, number>()
  #work: Promise<void> | undefined
  #checked = 0
  #toldMs = 0
  #price: bigint | undefined

  constructor(parts: CommunityWatchParts) {
    this.#parts = parts
    this.#book = CommunityBook.open(join(parts.dir, 'community.sqlite'))
    const { rpc, content, peers, signal } = parts
    this.#check = new CommunityCheck({ rpc, book: this.#book, content, peers, signal })
  }

  /** True while something is being checked. */
  get isBusy(): boolean {
    return this.#work !== undefined
  }

  /** Resolves when nothing is being checked. */
  async settle(): Promise<void> {
    await this.#work
  }

  async close(): Promise<void> {
    await this.#work
    this.#book.close()
  }

  /** A reorg may have taken back what was learnt. */
  async forget(): Promise<void> {
    await this.#work
    this.#book.forget()
    this.#check.forget()
    this.#refused.clear()
  }

  /** Challenges of what is false; starts the next checks. `now`: Unix seconds of the chain. */
  async look(now: bigint): Promise<Action[]> {
    const { book } = this.#parts
    while (this.#work === undefined && this.#book.learn(book)) await new Promise((next) => setImmediate(next))
    const actions = await this.#actions(now)
    this.#work ??= this.#next()?.finally(() => {
      this.#work = undefined
    })
    return actions
  }

  // --- Checks ---

  /** Undefined where nothing is due. */
  #next(): Promise<void> | undefined {
    const nowMs = this.#parts.nowMs()
    const batches = this.#book.dueBatches(nowMs, checksAtOnce)
    const versions = this.#book.dueVersions(nowMs, checksAtOnce)
    const items = this.#book.dueItems(nowMs, checksAtOnce)
    if (batches.length + versions.length + items.length === 0) return undefined
    const checks = [
      ...batches.map((batch) => ['batch', batch.first, () => this.#checkBatch(batch)] as const),
      ...items.map((item) => ['item', item.id, () => this.#checkItem(item)] as const),
      ...versions.map((version) => ['version', version.id, () => this.#checkVersion(version)] as const),
    ]
    return this.#run(checks)
  }

  async #run(checks: readonly (readonly [Checked, bigint | number, () => Promise<boolean>])[]): Promise<void> {
    const { nowMs, signal, log } = this.#parts
    for (const [what, id, check] of checks) {
      if (signal.aborted) return
      let isDone = false
      try {
        isDone = await check()
      } catch (error) {
        if (signal.aborted) return
        this.#tellOnce(`${what} ${id}`, () =>
          log.warn('something of a Datanet is not checked yet, trying again', {
            [what]: id,
            error: errorMessage(error),
          }),
        )
      }
      this.#parts.metrics.community.inc({ what, outcome: isDone ? 'checked' : 'missing' })
      if (isDone) this.#checked++
      else this.#book.later(what, id, nowMs(), retryMs)
      await new Promise((next) => setImmediate(next))
    }
    this.#tellProgress()
  }

  async #checkBatch(batch: Parameters<CommunityCheck['batch']>[0]): Promise<boolean> {
    return await this.#check.batch(batch)
  }

  async #checkItem(item: KnownItem): Promise<boolean> {
    const { log } = this.#parts
    if (!isLive(item)) {
      this.#book.setStage('item', item.id, stages.done)
      return true
    }
    const verdict = await this.#check.item(item)
    if (verdict === undefined) return false
    const isUnknown = verdict.kind === 'unknown-signature'
    this.#book.setStage('item', item.id, isUnknown ? stages.unknownSignature : stages.done)
    if (verdict.kind === 'false') {
      this.#book.addFault(item.id, verdict.call)
      log.warn('a contribution is false', { contribution: item.id, fault: verdict.call.functionName })
    } else if (verdict.kind === 'right') {
      // Sealed texts are alike in what is no text of theirs.
      const isCompared = this.#book.datanet(item.datanet)?.isPermissioned === false
      if (verdict.signature !== undefined) this.#book.addSignature(item, verdict.signature, isCompared)
    } else if (this.#book.limitAt(item.datanet, item.pos) > 0) {
      // Elsewhere nothing is hidden by it.
      log.warn('the signature of a contribution is not its content’s', { contribution: item.id, why: verdict.kind })
    }
    return true
  }

  async #checkVersion(version: KnownVersion): Promise<boolean> {
    const { log } = this.#parts
    const fields = { datanet: version.datanet, version: version.version }
    const verdict = await this.#check.version(version)
    if (verdict.kind === 'missing') return false
    if (verdict.kind === 'unshowable') {
      this.#tellOnce(`unshowable ${version.id}`, () =>
        log.error('a version’s difference is not that of its lists, and nobody here has what would show it', fields),
      )
      return false
    }
    this.#book.setStage('version', version.id, stages.done)
    if (verdict.kind === 'false') {
      this.#book.addVersionFault(version, verdict.call)
      log.warn('a version is false', { ...fields, fault: verdict.call.functionName })
    }
    return true
  }

  #tellProgress(): void {
    const { nowMs, log } = this.#parts
    const { left, missing } = this.#book.left()
    if (left > missing && nowMs() < this.#toldMs + progressMs) return
    this.#toldMs = nowMs()
    if (this.#checked > 0) log.info('contributions and versions are checked', { checked: this.#checked, left })
    this.#checked = 0
    if (missing > 0) {
      this.#tellOnce(`missing ${missing}`, () => log.warn('contents of Datanets are not to be had now', { missing }))
    }
  }

  #tellOnce(key: string, tell: () => void): void {
    if (this.#told.has(key)) return
    this.#told.add(key)
    tell()
  }

  // --- What is to be done ---

  async #actions(now: bigint): Promise<Action[]> {
    const wanted: (() => Promise<Action>)[] = [
      ...this.#book.faults().map(
        ({ item, call }) =>
          async () =>
            this.#challenge(item, call as MoneyCall),
      ),
      ...this.#book.twins().map(
        ({ copy, original }) =>
          () =>
            this.#duplicate(copy, original),
      ),
      ...this.#book.nearDuplicates().map(
        ({ copy, original }) =>
          () =>
            this.#nearDuplicate(copy, original),
      ),
      ...this.#book.falseVersions().map(({ datanet, version, call }) => async () => {
        return action('challenge', call as MoneyCall, { datanet, version })
      }),
      ...this.#aboutDemands(now),
    ]
    const actions = new Map<string, Action>()
    for (const make of wanted.slice(0, triedMax)) {
      const tried = await this.#tried(make)
      if (tried !== undefined) actions.set(tried.key, tried)
    }
    return [...actions.values(), ...(await this.#demanded())]
  }

  /** What the contracts would take now; what they refuse is told once and left for a while. */
  async #tried(make: () => Promise<Action>): Promise<Action | undefined> {
    const { rpc, sender, nowMs, log } = this.#parts
    const wanted = await make()
    if ((this.#refused.get(wanted.key) ?? 0) > nowMs()) return undefined
    try {
      await callContract(rpc, wanted.call, sender)
      this.#refused.delete(wanted.key)
      return wanted
    } catch (error) {
      if (!(error instanceof CallReverted)) throw error
      this.#refused.set(wanted.key, nowMs() + refusedMs)
      const fields = { ...wanted.about, call: wanted.call.functionName, error: error.error }
      this.#tellOnce(wanted.key, () => log.warn('a challenge would be refused, so it is left for now', fields))
      return undefined
    }
  }

  #challenge(item: KnownItem, call: MoneyCall, kind: 'fault' | 'signature' = 'fault'): Action {
    const made = action(kind === 'fault' ? 'challenge' : 'shown', call, { contribution: item.id })
    return { ...made, subject: contributionSubject(kind, item.id), rewardedBy: 'DatanetJudge' }
  }

  async #duplicate(copy: KnownItem, original: KnownItem): Promise<Action> {
    const args = [await this.#check.shown(copy.id), await this.#check.shown(original.id)]
    return this.#challenge(copy, { contract: 'DatanetJudge', functionName: 'duplicate', args })
  }

  async #nearDuplicate(copy: KnownItem, original: KnownItem): Promise<Action> {
    const args = [await this.#signed(copy), await this.#signed(original)]
    return this.#challenge(copy, { contract: 'SignatureProofs', functionName: 'proveNearDuplicate', args })
  }

  async #signed({ id, signature }: KnownItem) {
    const shown: ShownRecord = await this.#check.shown(id)
    return signedItem(shown, signature ?? new Uint32Array(0))
  }

  /** Answers to demands of anybody, and what follows where none came in time. */
  #aboutDemands(now: bigint): (() => Promise<Action>)[] {
    return this.#book.demands().flatMap(({ id, until }) => {
      const item = this.#book.item(id)
      if (item?.signature !== undefined) {
        return [
          async () => {
            const args = [await this.#signed(item)]
            return this.#challenge(
              item,
              { contract: 'SignatureProofs', functionName: 'showSignature', args },
              'signature',
            )
          },
        ]
      }
      const call = { contract: 'SignatureProofs', functionName: 'proveWithheld', args: [id] } as const
      return now >= until ? [async () => action('overdue', call, { contribution: id })] : []
    })
  }

  /** Demands for signatures that are not their contents', where half of the bond pays for the demand. */
  async #demanded(): Promise<Action[]> {
    const { rpc, sender } = this.#parts
    const own = this.#book.demands().filter(({ asker }) => asker === sender.toLowerCase()).length
    const actions: Action[] = []
    for (const item of this.#book.unknownSignatures(triedMax)) {
      if (own + actions.length >= openDemandsMax) break
      const read = async (contract: 'DatanetRegistry' | 'SignatureProofs', functionName: string, ...args: bigint[]) =>
        (await callContract(rpc, { contract, functionName, args })) as bigint
      this.#price ??= await read('SignatureProofs', 'DEMAND_PRICE')
      if ((await read('DatanetRegistry', 'bondOf', item.id)) < 2n * this.#price) continue
      const call = { contract: 'SignatureProofs', functionName: 'demandSignature', args: [item.id] } as const
      const demand = async () => action('demand', { ...call, value: this.#price ?? 0n }, { contribution: item.id })
      const tried = await this.#tried(demand)
      if (tried !== undefined) actions.push(tried)
    }
    return actions
  }
}
