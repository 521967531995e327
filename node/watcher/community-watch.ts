import { join } from 'node:path'
import type { ShownRecord } from '../../chain/datanets/shown-record.ts'
import { CallReverted, callContract } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'
import type { ContentStore } from '../../common/content-store.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log, LogFields } from '../../common/log.ts'
import { LruCache } from '../../common/lru-cache.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type Action, action, contributionSubject } from './action.ts'
import { signedItem } from './check-item.ts'
import {
  type Checked,
  CommunityBook,
  isLive,
  type KnownItem,
  type KnownVersion,
  type OpenDemand,
  type Page,
  stages,
} from './community-book.ts'
import { CommunityCheck, ListGone } from './community-check.ts'
import { TableRound } from './table-round.ts'
import type { WatcherMetrics } from './watcher-metrics.ts'

/** Checked in one go, before what is to be done is looked at again. */
const checksAtOnce = 256
/** Challenges of one kind that one look tries out; the next look goes on behind them. */
const triedMax = 32
/** Demands of one watcher that are open at a time: each has its price put down. */
const openDemandsMax = 4
/** Between looks for what was not to be had, doubled each time. */
const retryMs = { first: 5_000, max: 3_600_000 } as const
/** Between tries of what the contracts refuse. */
const refusedMs = 600_000
/** Things that were told or refused and are remembered: what is forgotten is told, or tried, once more. */
const keptMax = 16_384
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
  readonly #told = new LruCache<string, true>(keptMax)
  /** When what the contracts refused is tried again, by key. */
  readonly #refused = new LruCache<string, number>(keptMax)
  readonly #rounds: readonly TableRound<Wanted>[]
  readonly #unknown: TableRound<KnownItem>
  #work: Promise<void> | undefined
  #checked = 0
  #toldMs = 0
  #price: bigint | undefined

  constructor(parts: CommunityWatchParts) {
    this.#parts = parts
    this.#book = CommunityBook.open(join(parts.dir, 'community.sqlite'))
    const { rpc, content, peers, signal } = parts
    this.#check = new CommunityCheck({ rpc, book: this.#book, content, peers, signal })
    this.#rounds = this.#wanted()
    this.#unknown = new TableRound((after, limit) => this.#book.unknownSignatures(after, limit))
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
    for (const round of [...this.#rounds, this.#unknown]) round.reset()
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
    if (this.#told.get(key) !== undefined) return
    this.#told.set(key, true)
    tell()
  }

  // --- What is to be done ---

  async #actions(now: bigint): Promise<Action[]> {
    const actions = new Map<string, Action>()
    for (const round of this.#rounds) {
      await round.turn(triedMax, async (wanted) => {
        for (const { key, make } of wanted) {
          const tried = await this.#tried(key, () => make(now))
          if (tried !== undefined) actions.set(tried.key, tried)
        }
        return 'on'
      })
    }
    return [...actions.values(), ...(await this.#demanded())]
  }

  /** All that may be challenged or answered, each kind by its own turns. */
  #wanted(): TableRound<Wanted>[] {
    const book = this.#book
    const round = <T>(read: (after: number, limit: number) => Page<T>, wanted: (found: T) => Wanted) =>
      new TableRound<Wanted>((after, limit) => {
        const { found, next } = read(after, limit)
        return { found: found.map(wanted), next }
      })
    return [
      round(
        (after, limit) => book.faults(after, limit),
        ({ item, call }) => ({ key: `fault ${item.id}`, make: async () => this.#challenge(item, call as MoneyCall) }),
      ),
      round(
        (after, limit) => book.twins(after, limit),
        ({ copy, original }) => ({
          key: `twin ${copy.id} ${original.id}`,
          make: () => this.#duplicate(copy, original),
        }),
      ),
      round(
        (after, limit) => book.nearDuplicates(after, limit),
        ({ copy, original }) => ({
          key: `near ${copy.id} ${original.id}`,
          make: () => this.#nearDuplicate(copy, original),
        }),
      ),
      round(
        (after, limit) => book.falseVersions(after, limit),
        ({ datanet, version, call }) => ({
          key: `version ${datanet}.${version}`,
          make: async () => action('challenge', call as MoneyCall, { datanet, version }),
        }),
      ),
      round(
        (after, limit) => book.demands(after, limit),
        (demand) => ({ key: `demand ${demand.id}`, make: (now) => this.#aboutDemand(demand, now) }),
      ),
    ]
  }

  /** What the contracts would take now; what they refuse, or cannot be shown, is told once and left for a while. */
  async #tried(key: string, make: () => Promise<Action | undefined>): Promise<Action | undefined> {
    const { rpc, sender, nowMs } = this.#parts
    if ((this.#refused.get(key) ?? 0) > nowMs()) return undefined
    const wanted = await make().catch((error: unknown) => {
      if (!(error instanceof ListGone)) throw error
      this.#leave(key, 'a challenge cannot be made without the list of a batch, so it is left for now', {
        batch: error.first,
      })
    })
    if (wanted === undefined) return undefined
    try {
      await callContract(rpc, wanted.call, sender)
      this.#refused.delete(key)
      return wanted
    } catch (error) {
      if (!(error instanceof CallReverted)) throw error
      const fields = { ...wanted.about, call: wanted.call.functionName, error: error.error }
      this.#leave(key, 'a challenge would be refused, so it is left for now', fields)
      return undefined
    }
  }

  #leave(key: string, why: string, fields: LogFields): void {
    const { nowMs, log } = this.#parts
    this.#refused.set(key, nowMs() + refusedMs)
    this.#tellOnce(key, () => log.warn(why, { what: key, ...fields }))
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

  /** The answer to a demand of anybody, or what follows where none came in time. */
  async #aboutDemand({ id, until }: OpenDemand, now: bigint): Promise<Action | undefined> {
    const item = this.#book.item(id)
    if (item?.signature !== undefined) {
      const args = [await this.#signed(item)]
      const call = { contract: 'SignatureProofs', functionName: 'showSignature', args } as const
      return this.#challenge(item, call, 'signature')
    }
    const call = { contract: 'SignatureProofs', functionName: 'proveWithheld', args: [id] } as const
    return now >= until ? action('overdue', call, { contribution: id }) : undefined
  }

  /** Demands for signatures that are not their contents', where half of the bond pays for the demand. */
  async #demanded(): Promise<Action[]> {
    const room = openDemandsMax - this.#book.demandsOf(this.#parts.sender)
    const actions: Action[] = []
    if (room <= 0) return actions
    await this.#unknown.turn(triedMax, async (items) => {
      for (const item of items) {
        const tried = await this.#tried(`unknown ${item.id}`, () => this.#demand(item))
        if (tried !== undefined) actions.push(tried)
        if (actions.length === room) break
      }
      // What is asked for comes again until the chain says that it was: there would be more open at a time than are wanted.
      return actions.length > 0 ? 'stays' : 'on'
    })
    return actions
  }

  /** Undefined where the bond does not pay for it. */
  async #demand({ id }: KnownItem): Promise<Action | undefined> {
    const { rpc } = this.#parts
    const read = async (contract: 'DatanetRegistry' | 'SignatureProofs', functionName: string, ...args: bigint[]) =>
      (await callContract(rpc, { contract, functionName, args })) as bigint
    this.#price ??= await read('SignatureProofs', 'DEMAND_PRICE')
    if ((await read('DatanetRegistry', 'bondOf', id)) < 2n * this.#price) return undefined
    const call = { contract: 'SignatureProofs', functionName: 'demandSignature', args: [id] } as const
    return action('demand', { ...call, value: this.#price }, { contribution: id })
  }
}

/** Something that may be shown. `key`: for who looks for it again. */
type Wanted = { readonly key: string; readonly make: (now: bigint) => Promise<Action | undefined> }
