import type { Registry } from 'prom-client'
import { CallReverted, callContract, readHead } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { eventTopic, type MoneyCall, moneyContracts } from '../../chain/ledger/money-contracts.ts'
import type { Log } from '../../common/log.ts'
import { counter, gauge } from '../../common/metrics.ts'
import { parseQuantity, quantity } from '../../protocol/bytes.ts'

/** Seconds of the chain's time between two looks at the fee vaults. */
const lookEverySeconds = 60n
/** Blocks whose logs are asked for at once; nodes refuse very many. */
const logBlocks = 5_000n
const weiPerOpen = 1e18

type Options = {
  /** wei in the vaults from which they are emptied unasked; 0: never. */
  readonly disburseMinimum: bigint
  /** Least time between two disbursements, whoever asked for the last one, seconds. */
  readonly disburseIntervalSeconds: bigint
}

type Parts = {
  readonly rpc: L2Rpc
  readonly book: Pick<LedgerBook, 'head'>
  readonly send: (call: MoneyCall, signal: AbortSignal) => Promise<void>
  readonly log: Log
  readonly registry: Registry
}

const disbursing = { contract: 'FeeSplitter', functionName: 'disburseFees', args: [] } as const

/** Has the FeeSplitter divide the gas fees among stakers and treasury when they are worth a transaction. */
export class DisburseStep {
  readonly #options: Options
  readonly #parts: Parts
  /** Time of the block before which the vaults are not looked at again. */
  #nextLook = 0n

  constructor(options: Options, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  /** True where fees were disbursed. Throws what the RPC and the sender throw. */
  readonly run = async (signal: AbortSignal): Promise<boolean> => {
    const { book, send, log, registry } = this.#parts
    const { disburseMinimum, disburseIntervalSeconds } = this.#options
    const now = book.head?.time ?? 0n
    if (disburseMinimum === 0n || now < this.#nextLook) return false
    const due = await this.#due()
    dueGauge(registry).set(Number(due) / weiPerOpen)
    this.#nextLook = now + lookEverySeconds
    if (due < disburseMinimum) return false
    // The chain tells when it was done last: a restart forgets nothing, and who did it does not matter.
    const last = await this.#lastSince(now - disburseIntervalSeconds)
    if (last !== undefined) {
      this.#nextLook = last + disburseIntervalSeconds
      return false
    }
    await send(disbursing, signal)
    this.#nextLook = (book.head?.time ?? now) + disburseIntervalSeconds
    disbursedTotal(registry).inc(Number(due) / weiPerOpen)
    dueGauge(registry).set(0)
    log.info('gas fees disbursed to stakers and treasury', { amount: due })
    return true
  }

  /** wei that a disbursement would divide now: of the vaults that pay the splitter and hold their own minimum. */
  async #due(): Promise<bigint> {
    try {
      return (await callContract(this.#parts.rpc, disbursing)) as bigint
    } catch (error) {
      if (error instanceof CallReverted && error.error === 'NothingToDisburse') return 0n
      throw error
    }
  }

  /** Unix time of the newest disbursement after `since`; undefined where there is none. */
  async #lastSince(since: bigint): Promise<bigint | undefined> {
    const { rpc, book } = this.#parts
    const topics = [eventTopic('FeeSplitter', 'FeesDisbursed')]
    for (let to = book.head?.number ?? 0n; ; to -= logBlocks) {
      const from = to < logBlocks ? 0n : to - logBlocks + 1n
      const range = { fromBlock: quantity(from), toBlock: quantity(to) }
      const filter = { address: moneyContracts.FeeSplitter, topics, ...range }
      const logs = (await rpc.request('eth_getLogs', [filter])) as { readonly blockNumber: string }[]
      const newest = logs.at(-1)
      const at = newest === undefined ? from : parseQuantity(newest.blockNumber, 'block number')
      const time = (await readHead(rpc, at))?.time ?? 0n
      if (newest !== undefined) return time > since ? time : undefined
      if (from === 0n || time <= since) return undefined
    }
  }
}

const dueGauge = (registry: Registry) =>
  gauge(registry, 'attributor_fees_due_open', 'gas fees that a disbursement would divide, in OPEN')
const disbursedTotal = (registry: Registry) =>
  counter(registry, 'attributor_fees_disbursed_open_total', 'gas fees that this node had divided, in OPEN')
