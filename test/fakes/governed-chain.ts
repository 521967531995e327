import { type Abi, encodeFunctionData, keccak256, toHex } from 'viem'
import { loadArtifact } from '../../contracts/artifact.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type Actor, addressOf, type MoneyChain, type MoneyContract, open, type Sent } from './money-chain.ts'

export type GovernedCall = { readonly to: Hex; readonly value?: bigint; readonly data: Hex }

/** Names of `Governor.state`. */
export const states = [
  'Pending',
  'Active',
  'Canceled',
  'Defeated',
  'Succeeded',
  'Queued',
  'Expired',
  'Executed',
] as const

export const day = 86_400n

/** A chain whose GOPEN is spread over voters, and what proposers do on it. */
export class GovernedChain {
  readonly chain: MoneyChain
  #proposals = 0

  constructor(chain: MoneyChain) {
    this.chain = chain
  }

  /** Somebody with so many votes, counted from the next second on. */
  async voter(name: string, votes: bigint): Promise<Actor> {
    const actor = this.chain.actor(name)
    await this.chain.send(actor, 'GOPEN', 'deposit', [], { value: votes * open })
    await this.chain.send(actor, 'GOPEN', 'delegate', [actor.address])
    this.chain.advance(2)
    return actor
  }

  /** Proposes; the description differs each time unless one is given. */
  async propose(
    from: Actor,
    calls: readonly GovernedCall[],
    description = `proposal ${this.#proposals++}`,
  ): Promise<bigint> {
    const args = [calls.map(({ to }) => to), calls.map(({ value }) => value ?? 0n), calls.map(({ data }) => data)]
    return (await this.governor(from, 'propose', [...args, description])).result as bigint
  }

  governor(from: Actor | Hex, functionName: string, args: readonly unknown[], value = 0n): Promise<Sent> {
    return this.chain.send(from, 'OpenLedgerGovernor', functionName, args, { value })
  }

  async vote(id: bigint, from: Actor, support: 0 | 1 | 2): Promise<void> {
    await this.chain.send(from, 'OpenLedgerGovernor', 'castVote', [id, support])
  }

  async state(id: bigint): Promise<(typeof states)[number]> {
    return states[Number(await this.chain.read('OpenLedgerGovernor', 'state', [id]))] ?? 'Pending'
  }

  toVote(): void {
    this.chain.advance(day + 1n)
  }

  toEndOfVote(): void {
    this.chain.advance(14n * day)
  }
}

/** A call of one of the chain's contracts. */
export function callOf(contract: MoneyContract, functionName: string, args: readonly unknown[] = []): GovernedCall {
  const abi = loadArtifact(contract).abi as unknown as Abi
  return { to: addressOf(contract), data: encodeFunctionData({ abi, functionName, args }) }
}

export function descriptionHash(description: string): Hex {
  return keccak256(toHex(description))
}
