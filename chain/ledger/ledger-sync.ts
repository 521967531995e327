import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import { RpcError } from '../../common/json-rpc.ts'
import type { Log } from '../../common/log.ts'
import { type Hex, parseQuantity, quantity } from '../../protocol/bytes.ts'
import type { EpochRecord, Totals } from '../../protocol/epoch-record.ts'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import { batchOfTransaction } from './committed-batch.ts'
import { type L2Head, readHead } from './l2-calls.ts'
import type { L2Rpc } from './l2-rpc.ts'
import type { Followed, LedgerBook } from './ledger-book.ts'
import { eventsPerBlockMax, followedContracts, followedTopics, type LedgerEvent } from './ledger-event.ts'
import { contractAt, decodeEvent, moneyContracts } from './money-contracts.ts'

/** Blocks whose logs are asked for at once; halved where the engine has too many. */
const rangeBlocks = 2_000n
/** Looks at the head of an engine that is at rest. */
const pollMs = 500
const backoffMs = { first: 500, max: 10_000 } as const
/** Looks between two at the finalized block. */
const finalizedEvery = 64

type Parts = {
  readonly rpc: L2Rpc
  readonly book: LedgerBook
  readonly clock: Clock
  readonly log: Log
}

/** Keeps the book at the engine's head; takes back what a reorg took away. */
export class LedgerSync {
  readonly #parts: Parts
  readonly #topics = followedTopics()
  #range = rangeBlocks
  #looks = 0
  #isCurrent = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** True where the last look found nothing above the book's head. */
  get isCurrent(): boolean {
    return this.#isCurrent
  }

  /** Follows until the signal; what the engine fails to answer is asked again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    let waitMs: number = backoffMs.first
    while (!signal.aborted) {
      try {
        const more = await this.step()
        waitMs = backoffMs.first
        if (!more) await clock.sleep(pollMs, signal)
      } catch (error) {
        this.#isCurrent = false
        log.warn('the chain’s money is not followed, trying again', { error: errorMessage(error), waitMs })
        await clock.sleep(waitMs, signal)
        waitMs = Math.min(2 * waitMs, backoffMs.max)
      }
    }
  }

  /** One stretch of blocks; true where there are more. Throws what the RPC throws. */
  async step(): Promise<boolean> {
    const { rpc, book } = this.#parts
    const latest = await readHead(rpc, 'latest')
    if (latest === undefined) return false
    const known = await this.#commonHead(latest)
    const first = known === undefined ? 0n : known.number + 1n
    if (first > latest.number) {
      this.#isCurrent = true
      return false
    }
    const end = first + this.#range - 1n
    const head = end < latest.number ? await readHead(rpc, end) : latest
    const stretch = head && (await this.#read(first, head))
    if (stretch === undefined) return true
    book.append(stretch)
    this.#isCurrent = head?.number === latest.number
    await this.#prune()
    return !this.#isCurrent
  }

  /** The book's head, gone back to a block that the engine's chain has too. A head that only lags takes nothing back. */
  async #commonHead(latest: L2Head): Promise<L2Head | undefined> {
    const { rpc, book, log } = this.#parts
    const before = book.head
    let known = before
    while (known !== undefined) {
      const theirs = known.number === latest.number ? latest : await readHead(rpc, known.number)
      if (theirs?.hash === known.hash) break
      // An engine that lags has no block there and is left to catch up, where what it has is the book's.
      if (theirs === undefined && (await this.#isAncestor(latest))) return before
      known = book.headBelow(known.number)
    }
    if (before !== undefined && known?.number !== before.number) {
      log.info('blocks were replaced', { from: before.number, to: known?.number ?? -1n })
      book.rollback(known?.number)
    }
    return known
  }

  async #isAncestor(latest: L2Head): Promise<boolean> {
    return this.#parts.book.headBelow(latest.number + 1n)?.hash === latest.hash
  }

  /** Undefined where the chain changed meanwhile. */
  async #read(first: bigint, head: L2Head): Promise<Followed | undefined> {
    const { rpc } = this.#parts
    const events = await this.#events(first, head.number)
    if (events === undefined) return undefined
    const batches = events.filter(({ name }) => name === 'BatchCommitted')
    const epochs = events.filter(({ name }) => name === 'EpochProposed')
    const stretch: Followed = {
      head,
      events,
      batches: await Promise.all(
        batches.map(({ args, txHash }) => batchOfTransaction(rpc, args['batchId'] as bigint, txHash)),
      ),
      epochs: await Promise.all(epochs.map(async (event) => ({ pos: event.pos, record: await this.#record(event) }))),
    }
    return (await readHead(rpc, head.number))?.hash === head.hash ? stretch : undefined
  }

  /** Undefined where there are too many for one answer: the next look asks for fewer blocks. */
  async #events(first: bigint, last: bigint): Promise<LedgerEvent[] | undefined> {
    const filter = {
      address: followedContracts.map((name) => moneyContracts[name]),
      topics: [this.#topics],
      fromBlock: quantity(first),
      toBlock: quantity(last),
    }
    try {
      const logs = (await this.#parts.rpc.request('eth_getLogs', [filter])) as readonly LogJson[]
      this.#range = this.#range * 2n < rangeBlocks ? this.#range * 2n : rangeBlocks
      return logs.flatMap(eventOf)
    } catch (error) {
      if (!(error instanceof RpcError) || this.#range === 1n || first === last) throw error
      this.#range = this.#range / 2n
      return undefined
    }
  }

  async #record({ args, block }: LedgerEvent): Promise<EpochRecord> {
    const { header, proposer, bond, totals } = args as {
      readonly header: EpochHeader
      readonly proposer: Hex
      readonly bond: bigint
      readonly totals: Totals
    }
    const proposedAt = (await readHead(this.#parts.rpc, block))?.time ?? 0n
    return { header, proposer, proposedAt, bond, totals }
  }

  async #prune(): Promise<void> {
    if (this.#looks++ % finalizedEvery !== 0) return
    const finalized = await readHead(this.#parts.rpc, 'finalized').catch((error: unknown) => {
      // Not known to a chain whose first blocks L1 did not finalise yet.
      if (error instanceof RpcError) return undefined
      throw error
    })
    if (finalized !== undefined) this.#parts.book.pruneHeads(finalized.number)
  }
}

type LogJson = {
  readonly address: string
  readonly topics: readonly Hex[]
  readonly data: Hex
  readonly blockNumber: string
  readonly logIndex: string
  readonly transactionHash: Hex
}

function eventOf(log: LogJson): LedgerEvent[] {
  const contract = contractAt(log.address)
  const found = contract && decodeEvent(contract, log.topics, log.data)
  if (contract === undefined || found === undefined) return []
  const block = parseQuantity(log.blockNumber, 'block number')
  const pos = Number(block) * eventsPerBlockMax + Number(parseQuantity(log.logIndex, 'log index'))
  return [{ pos, block, txHash: log.transactionHash, contract, ...found }]
}
