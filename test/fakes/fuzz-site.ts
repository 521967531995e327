import type { Hex } from '../../protocol/bytes.ts'
import type { Actor, MoneyContract, Sent } from './money-chain.ts'
import type { MoneyLaws } from './money-laws.ts'
import type { MoneyWorld, ProposedEpoch } from './money-world.ts'
import type { Random } from './random.ts'

/** Where random actors act, as the parts of the fuzz see it. */
export type FuzzSite = {
  readonly world: MoneyWorld
  readonly laws: MoneyLaws
  readonly random: Random
  readonly actors: readonly Actor[]
  /** Somebody at random. */
  readonly anyone: Actor
  /** A contract that answers payments as badly as it is told to. */
  readonly hostile: Hex
  /** Epochs that are final, the first is epoch 1. */
  readonly finals: readonly ProposedEpoch[]
  /** A transaction; undefined where it reverted. */
  act(
    from: Actor | Hex,
    contract: MoneyContract,
    name: string,
    args: readonly unknown[],
    value?: bigint,
  ): Promise<Sent | undefined>
}

/** How often something is done beside the others, and what. */
export type Action = readonly [weight: number, act: () => Promise<unknown>]

/** Argument of an event of a transaction that went through. */
export function told(sent: Sent | undefined, event: string, field: string): unknown {
  return sent?.events.find(({ name }) => name === event)?.args[field]
}
