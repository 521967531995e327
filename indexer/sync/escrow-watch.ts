import type { Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'
import { type Escrow, escrows } from '../store/escrows.ts'
import type { Store } from '../store/store.ts'
import type { ChainClient } from './chain-client.ts'

/** Between two looks at the newest block. */
const lookMs = 1000

/** What contracts held and owed at a block, in wei. `held` below `owed`: a law of money is broken. */
export type EscrowState = {
  readonly escrow: Escrow
  readonly held: bigint
  readonly owed: bigint
  readonly block: number
}

type Parts = {
  readonly client: Pick<ChainClient, 'balances'>
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

/** Compares, while the chain runs, what contracts hold with what the index says they owe. docs/MONEY.md §1. */
export class EscrowWatch {
  readonly #parts: Parts
  #states: readonly EscrowState[] = []
  #lookedAt: string | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** As the last look found them; none before the first, and none of contracts that never owed anything. */
  get states(): readonly EscrowState[] {
    return this.#states
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    while (!signal.aborted) {
      // A block that was replaced or whose state is gone: a newer one comes.
      await this.look().catch((error: unknown) => log.debug('balances not compared', { error }))
      await clock.sleep(lookMs, signal)
    }
  }

  /** One look at the newest indexed block. Throws RpcError, TransportError. */
  async look(): Promise<void> {
    const { client, store, log } = this.#parts
    const cursor = store.cursor()
    if (cursor === undefined || cursor.hash === this.#lookedAt) return
    // Read before anything is waited for: a later block owes something else.
    const owed = store.all('select key, owed from escrow order by key').map(({ key, owed }) => ({
      escrow: key as Escrow,
      owed: BigInt(String(owed)),
    }))
    const balances = await client.balances(
      owed.flatMap(({ escrow }) => escrows[escrow]),
      cursor.hash,
    )
    const states = owed.map(({ escrow, owed }): EscrowState => {
      const held = escrows[escrow].reduce((sum, address) => sum + (balances.get(address) ?? 0n), 0n)
      return { escrow, held, owed, block: cursor.number }
    })
    const wasBroken = new Set(this.#states.filter(isBroken).map(({ escrow }) => escrow))
    for (const state of states.filter(isBroken)) {
      if (!wasBroken.has(state.escrow)) log.error('a contract holds less than it owes', state)
    }
    this.#states = states
    this.#lookedAt = cursor.hash
  }
}

function isBroken({ held, owed }: EscrowState): boolean {
  return held < owed
}
