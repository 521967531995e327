import { type Abi, encodeFunctionData } from 'viem'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { loadArtifact } from './artifact.ts'
import type { Action, FuzzSite } from './fuzz-site.ts'
import { claimOf } from './money-batch.ts'
import { addressOf, type MoneyContract } from './money-chain.ts'
import type { ProposedEpoch } from './money-world.ts'

export const datanetUnits = poolPayee(payeePools.units, 1n)
const moods = { takes: 0, callsBack: 1, refuses: 2, burnsGas: 3, babbles: 4 } as const
/** Datanet 1's, the stakers', the treasury's. */
const pools = [
  [payeePools.units, 1n],
  [payeePools.stakers, 0n],
  [payeePools.treasury, 0n],
] as const

/** Claims of every kind, units of pools, recipients that answer badly. */
export class FuzzClaims {
  readonly #site: FuzzSite
  /** Of Datanet 1 with units. */
  #versions = 0

  constructor(site: FuzzSite) {
    this.#site = site
  }

  get actions(): readonly Action[] {
    return [
      [12, () => this.#claimAny()],
      [4, () => this.#claimMany()],
      [4, () => this.#units()],
      [5, () => this.#claimPool()],
      [4, () => this.#prefer()],
      [4, () => this.#arm()],
      [2, () => this.#fund()],
    ]
  }

  /** Everybody takes what is theirs; what is left is what nobody has units of, and less than a wei a member. */
  async windUp(): Promise<void> {
    const { act, actors, world, laws, finals, hostile } = this.#site
    await this.#setMood('takes', 'RoyaltyVault', '0x')
    for (const payee of [...actors.map(({ address }) => address), hostile]) {
      await act(payee, 'RoyaltyVault', 'setRecipient', [zeroAddress])
    }
    const last = finals.at(-1)
    for (const epoch of finals) await this.claim(datanetUnits, epoch)
    for (const { payee, cumulative } of last?.built.payouts ?? []) {
      if (last !== undefined && payee !== datanetUnits) await this.claim(payee, last)
      const claimed = laws.claimed.get(payee) ?? 0n
      if (claimed !== cumulative) throw new Error(`${payee} was paid ${claimed} wei of ${cumulative}`)
    }
    let owed = 0n
    for (const [pool, members] of laws.pools) {
      const [kind, id] = poolOf(pool)
      for (const member of members) await act(member, 'RoyaltyVault', 'claimPool', [kind, id, member])
      const rest =
        kind === payeePools.units
          ? ((await world.chain.read('DatanetUnits', 'books', [id])) as readonly bigint[])[0]
          : ((await world.chain.read('RoyaltyVault', 'pools', [pool])) as readonly bigint[])[1]
      owed += ((rest ?? 0n) >> 64n) + BigInt(members.size) + 1n
    }
    const left = world.chain.balance('RoyaltyVault')
    if (left > owed) throw new Error(`the vault keeps ${left} wei, of which nobody is owed more than ${owed}`)
  }

  async claim(payee: Hex, { record, built }: ProposedEpoch): Promise<void> {
    const { act, anyone, random } = this.#site
    const { epoch } = record.header
    const payees = built.payouts.map((payout) => payout.payee)
    if (!payees.includes(payee)) {
      const around = [payees.findLast((each) => each < payee), payees.find((each) => each > payee)]
      const shown = around.filter((each) => each !== undefined)
      const claims = shown.map((each) => claimOf(epoch, built, each))
      await act(anyone, 'RoyaltyVault', 'passEpochs', [poolOf(payee)[1], epoch, shown, claims])
      return
    }
    const claim = claimOf(epoch, built, payee)
    const asPool = payee === datanetUnits && random.chance(0.5)
    if (asPool) await act(anyone, 'RoyaltyVault', 'claimToPool', [1, 1n, claim])
    else if (payee === datanetUnits || random.chance(0.2)) {
      await act(anyone, 'RoyaltyVault', 'claimFor', [payee, claim])
      if (payee !== datanetUnits) await act(payee, 'RoyaltyVault', 'claim', [claim])
    } else await act(payee, 'RoyaltyVault', 'claim', [claim])
  }

  async #claimAny(): Promise<void> {
    const { finals, random, act, anyone } = this.#site
    if (finals.length === 0) return
    const epoch = random.pick(finals)
    const { payee } = random.pick(epoch.built.payouts)
    if (random.chance(0.9)) return await this.claim(payee, epoch)
    const claim = claimOf(epoch.record.header.epoch, epoch.built, payee)
    await act(anyone, 'RoyaltyVault', 'claim', [{ ...claim, cumulative: claim.cumulative + 1n }])
  }

  async #claimMany(): Promise<void> {
    const { finals, random, act, anyone } = this.#site
    if (finals.length === 0) return
    const epoch = random.pick(finals)
    const all = epoch.built.payouts.map(({ payee }) => payee)
    // A Datanet's pool is claimed epoch by epoch, and with a list in the wrong order fails all of it.
    const payees = random.chance(0.7) ? all.filter((payee) => payee !== datanetUnits) : all
    const claims = payees.map((payee) => claimOf(epoch.record.header.epoch, epoch.built, payee))
    await act(anyone, 'RoyaltyVault', 'claimMany', [payees, random.chance(0.9) ? claims : claims.slice(1)])
  }

  async #units(): Promise<unknown> {
    const { random, act, anyone, actors } = this.#site
    if (this.#versions === 0 || random.chance(0.2)) {
      this.#versions += 1
      const args = [1n, 1_000 + this.#versions, anyone.address, BigInt(random.int(1_000)), zeroHash]
      return await act(openLedgerPredeploys.datanetRegistry, 'DatanetUnits', 'issue', args)
    }
    const id = (1n << 32n) | BigInt(1_000 + 1 + random.int(this.#versions))
    const to = random.pick(actors).address
    return await act(anyone, 'DatanetUnits', 'transfer', [to, id, BigInt(random.int(300))])
  }

  async #claimPool(): Promise<unknown> {
    const { random, act, anyone, laws } = this.#site
    const [kind, id] = random.pick(pools)
    const members = laws.membersOf(poolPayee(kind, id))
    const member = members.length > 0 && random.chance(0.9) ? random.pick(members) : openLedgerPredeploys.timelock
    return await act(anyone, 'RoyaltyVault', 'claimPool', [kind, id, member])
  }

  /** Where money goes and who may ask for it. */
  async #prefer(): Promise<unknown> {
    const { random, act, anyone, hostile } = this.#site
    const recipients = [zeroAddress, hostile, anyone.address, addressOf('RoyaltyVault'), addressOf('InferenceMarket')]
    const call = random.pick<readonly [string, readonly unknown[]]>([
      ['setRecipient', [random.pick(recipients)]],
      ['setOperator', [anyone.address, random.chance(0.7)]],
      ['restrictClaims', [random.chance(0.5)]],
    ])
    return await act(anyone, 'RoyaltyVault', call[0], call[1])
  }

  /** The hostile recipient learns a new answer: most often to call what it is paid by once more. */
  async #arm(): Promise<void> {
    const { random, finals, hostile, laws, anyone } = this.#site
    const mood = random.pick([
      'takes',
      'callsBack',
      'callsBack',
      'callsBack',
      'refuses',
      'burnsGas',
      'babbles',
    ] as const)
    const epoch = finals.at(-1)
    const payout = epoch?.built.payouts.find(({ payee }) => payee === hostile)
    const subject = [...laws.rewards.keys()].at(-1)
    const calls: (readonly [MoneyContract, string, readonly unknown[]])[] = [
      ['InferenceMarket', 'withdraw', [anyone.address, hostile]],
      ['InferenceMarket', 'claimRefund', [hostile]],
      ['WorkerRegistry', 'withdraw', [hostile]],
      ['DatanetRegistry', 'claimRefund', [hostile]],
      ['RoyaltyVault', 'claimPool', [1, 1n, hostile]],
    ]
    if (subject !== undefined) calls.push(['DisputeGame', 'payReward', [subject, hostile]])
    if (epoch !== undefined && payout !== undefined) {
      const claim = claimOf(epoch.record.header.epoch, epoch.built, hostile)
      calls.push(
        ['RoyaltyVault', 'claim', [claim]],
        [
          'RoyaltyVault',
          'claimMany',
          [
            [hostile, hostile],
            [claim, claim],
          ],
        ],
      )
    }
    const [contract, functionName, args] = random.pick(calls)
    const { abi } = loadArtifact(contract)
    await this.#setMood(mood, contract, encodeFunctionData({ abi: abi as unknown as Abi, functionName, args }))
  }

  async #setMood(mood: keyof typeof moods, contract: MoneyContract, data: Hex): Promise<void> {
    const { world, hostile } = this.#site
    const { abi } = loadArtifact('HostileRecipient')
    await world.chain.evm.call({ abi, address: hostile }, 'arm', [moods[mood], addressOf(contract), data])
  }

  async #fund(): Promise<unknown> {
    const { random, act, anyone } = this.#site
    const [kind, id] = random.chance(0.9) ? random.pick(pools) : [random.int(5), 7n]
    return await act(anyone, 'RoyaltyVault', 'fund', [kind, id], random.big(50))
  }
}

/** Kind and id of a pool, which its address tells. */
function poolOf(pool: Hex): readonly [kind: number, id: bigint] {
  return [Number(`0x${pool.slice(24, 26)}`), BigInt(`0x${pool.slice(26)}`)]
}
