import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { type Hex, parseQuantity, quantity } from '../../protocol/bytes.ts'
import { type L2Head, readHead } from './l2-calls.ts'
import type { L2Rpc } from './l2-rpc.ts'
import { type Decoded, decodeEvent, eventTopic, moneyContracts } from './money-contracts.ts'

/** What WorkerRegistry tells of a worker; wei. */
export type WorkerEvent =
  | { readonly kind: 'registered'; readonly worker: Hex; readonly units: number; readonly block: bigint }
  | {
      readonly kind: 'staked' | 'unbonding' | 'bonded' | 'withdrawn' | 'slashed'
      readonly worker: Hex
      readonly amount: bigint
    }
  | { readonly kind: 'jailed' | 'unjailed'; readonly worker: Hex }

/** Who keeps the registry; begun anew after a reorg. */
export type WorkerSink = { reset(): void; apply(event: WorkerEvent): void }

type Parts = {
  readonly rpc: L2Rpc
  readonly sink: WorkerSink
  readonly clock: Clock
  readonly log: Log
  /** A new head was followed. */
  readonly onHead?: () => void
}

const kinds = {
  WorkerRegistered: 'registered',
  StakeAdded: 'staked',
  UnbondRequested: 'unbonding',
  UnbondCancelled: 'bonded',
  StakeWithdrawn: 'withdrawn',
  WorkerSlashed: 'slashed',
  WorkerJailed: 'jailed',
  WorkerUnjailed: 'unjailed',
} as const

/** Blocks of one question for logs; engines refuse very many. */
const logBlocks = 5_000n
const pollMs = 500
const againMs = 5_000

/** Keeps somebody's view of the registered workers at the head, by events: whoever needs it never waits for the chain. */
export class WorkerFeed {
  readonly #parts: Parts
  #followed: L2Head | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Follows until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    while (!signal.aborted) {
      try {
        await this.step()
        await clock.sleep(pollMs, signal)
      } catch (error) {
        log.warn('the registry of workers is not followed, trying again', {
          error: errorMessage(error),
          waitMs: againMs,
        })
        await clock.sleep(againMs, signal)
      }
    }
  }

  /** Follows to the head. Throws what the RPC throws. */
  async step(): Promise<void> {
    const { rpc, sink, onHead } = this.#parts
    const head = await readHead(rpc, 'latest')
    if (head === undefined || head.hash === this.#followed?.hash) return
    if (this.#followed !== undefined && (await readHead(rpc, this.#followed.number))?.hash !== this.#followed.hash) {
      this.#followed = undefined
    }
    const events = await this.#read(this.#followed === undefined ? 0n : this.#followed.number + 1n, head.number)
    // What was read is applied at once, so that nobody sees a registry half begun anew.
    if (this.#followed === undefined) sink.reset()
    for (const event of events) sink.apply(event)
    this.#followed = head
    onHead?.()
  }

  async #read(first: bigint, last: bigint): Promise<WorkerEvent[]> {
    const { rpc } = this.#parts
    const address = moneyContracts.WorkerRegistry
    const topics = [Object.keys(kinds).map((name) => eventTopic('WorkerRegistry', name))]
    const events: WorkerEvent[] = []
    for (let from = first; from <= last; from += logBlocks) {
      const to = from + logBlocks - 1n < last ? from + logBlocks - 1n : last
      const range = { address, topics, fromBlock: quantity(from), toBlock: quantity(to) }
      const logs = (await rpc.request('eth_getLogs', [range])) as { topics: Hex[]; data: Hex; blockNumber: Hex }[]
      events.push(...logs.flatMap((log) => eventOf(log) ?? []))
    }
    return events
  }
}

function eventOf(log: { topics: Hex[]; data: Hex; blockNumber: Hex }): WorkerEvent | undefined {
  const event = decodeEvent('WorkerRegistry', log.topics, log.data)
  if (event === undefined) return undefined
  const { worker, units, amount } = event.args as Decoded & { worker: Hex; units: number; amount: bigint }
  const kind = kinds[event.name as keyof typeof kinds]
  if (kind === 'registered') return { kind, worker, units: Number(units), block: parseQuantity(log.blockNumber) }
  if (kind === 'jailed' || kind === 'unjailed') return { kind, worker }
  return { kind, worker, amount }
}
