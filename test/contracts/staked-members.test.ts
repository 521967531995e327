import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { SeatRegister } from '../../attribution/integrity/seats.ts'
import { bytesToHex, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { AbiCodec } from '../fakes/abi-codec.ts'
import { loadArtifact } from '../fakes/artifact.ts'
import { MoneyChain, open } from '../fakes/money-chain.ts'

const address: Hex = `0x${'5e'.repeat(20)}`
const beneficiary: Hex = `0x${'7a'.repeat(20)}`
const delay = 1_000n
const memberStakeMin = 100n * open
const scale = Number(process.env['OPENLEDGER_FUZZ'] ?? 1)
const codec = new AbiCodec(['MembersHarness', 'OpenBurner'])

/** The harness on a chain, with the twin that follows its events. */
class Members {
  readonly chain: MoneyChain
  readonly register = new SeatRegister()
  gas = 0n

  constructor(chain: MoneyChain) {
    this.chain = chain
  }

  static async create(): Promise<Members> {
    const chain = await MoneyChain.create()
    const { abi, bytecode } = loadArtifact('MembersHarness')
    await chain.evm.place(address, abi, hexToBytes(bytecode), [delay])
    return new Members(chain)
  }

  who(name: string): Hex {
    return this.chain.actor(name).address
  }

  /** The error's name where it reverts, else undefined. */
  async send(from: Hex, name: string, args: readonly unknown[] = [], value = 0n): Promise<string | undefined> {
    const { result, gas } = await this.chain.sendRaw(from, address, codec.encode('MembersHarness', name, args), {
      value,
    })
    const { exceptionError, returnValue, logs } = result.execResult
    if (exceptionError !== undefined) return codec.error(returnValue, exceptionError.error).error
    this.gas = gas
    for (const [, topics, data] of logs ?? []) {
      const event = codec.event(topics, data)
      if (event?.name !== 'MemberWeight') continue
      const { member, slot, weight } = event.args as { member: Hex; slot: number; weight: number }
      this.register.apply({ member: lower(member), slot, weight, time: this.chain.now })
    }
    return undefined
  }

  stake(name: string, amount: bigint) {
    return this.send(this.who(name), 'addStake', [], amount * open)
  }

  async read(name: string, ...args: readonly unknown[]): Promise<unknown> {
    const { execResult } = await this.chain.evm.send(address, codec.encode('MembersHarness', name, args), {})
    this.gas = execResult.executionGasUsed
    if (execResult.exceptionError !== undefined) {
      return codec.error(execResult.returnValue, execResult.exceptionError.error).error
    }
    return codec.result('MembersHarness', name, execResult.returnValue)
  }

  async draw(beacon: Hex, n: number, time: bigint, barred: readonly Hex[] = []): Promise<Hex[]> {
    return ((await this.read('draw', beacon, BigInt(n), time, barred)) as Hex[]).map(lower)
  }
}

const lower = (account: Hex) => account.toLowerCase() as Hex
const beaconOf = (n: number): Hex => bytesToHex(keccak256(uintBytes(n, 32)))

let members: Members
beforeEach(async () => {
  members = await Members.create()
})

describe('stake', () => {
  test('below the least there is is refused, and so is a rest below it', async () => {
    const ann = members.who('ann')
    expect(await members.stake('ann', 99n)).toBe('UnderStaked')
    expect(await members.stake('ann', 0n)).toBe('ZeroAmount')
    expect(await members.stake('ann', 150n)).toBeUndefined()
    expect(await members.send(ann, 'requestUnbond', [51n * open])).toBe('UnderStaked')
    expect(await members.send(ann, 'requestUnbond', [151n * open])).toBe('AboveStake')
    expect(await members.send(ann, 'requestUnbond', [0n])).toBe('ZeroAmount')
    expect(await members.send(ann, 'withdrawStake', [ann])).toBe('NothingUnbonding')
  })

  test('is paid back after the delay and not before, and weighs nothing meanwhile', async () => {
    const ann = members.who('ann')
    await members.stake('ann', 150n)
    members.chain.advance(2)
    await members.send(ann, 'requestUnbond', [150n * open])
    expect(await members.read('weightAt', ann, members.chain.now - 2n)).toBe(150n)
    members.chain.advance(delay - 1n)
    expect(await members.read('weightAt', ann, members.chain.now - 1n)).toBe(0n)
    expect(await members.send(ann, 'withdrawStake', [beneficiary])).toBe('StillBonded')
    members.chain.advance(1)
    expect(await members.send(ann, 'withdrawStake', [`0x${'00'.repeat(20)}`])).toBe('ZeroAddress')
    expect(await members.send(ann, 'withdrawStake', [beneficiary])).toBeUndefined()
    expect(members.chain.balance(beneficiary)).toBe(150n * open)
  })

  test('that is being unbonded can be slashed: half is owed, half burned', async () => {
    const ann = members.who('ann')
    await members.stake('ann', 150n)
    await members.send(ann, 'requestUnbond', [50n * open])
    await members.send(ann, 'slash', [ann, 120n * open + 1n, beneficiary])
    expect(await members.read('memberOf', ann)).toMatchObject({ stake: 0n, unbonding: 30n * open - 1n })
    expect(await members.read('owedTo', beneficiary)).toBe(60n * open)
    expect(await members.read('burned')).toBe(60n * open + 1n)
    expect(await members.send(beneficiary, 'claimOwed', [`0x${'00'.repeat(20)}`])).toBe('ZeroAddress')
    expect(await members.send(beneficiary, 'claimOwed', [beneficiary])).toBeUndefined()
    expect(await members.send(beneficiary, 'claimOwed', [beneficiary])).toBe('NothingOwed')
    expect(members.chain.balance(beneficiary)).toBe(60n * open)
  })

  test('in jail weighs nothing until its member asks out, after the time', async () => {
    const ann = members.who('ann')
    await members.stake('ann', 150n)
    expect(await members.send(ann, 'unjail')).toBe('NotInJail')
    await members.send(ann, 'jail', [ann, members.chain.now + 10n])
    members.chain.advance(9)
    expect(await members.send(ann, 'unjail')).toBe('StillInJail')
    expect(await members.draw(beaconOf(0), 3, members.chain.now - 1n)).toEqual([])
    members.chain.advance(1)
    expect(await members.send(ann, 'unjail')).toBeUndefined()
    members.chain.advance(1)
    expect(await members.draw(beaconOf(0), 3, members.chain.now - 1n)).toEqual([ann])
  })
})

describe('a draw', () => {
  test('is refused of the running second, and of a second when members may have left since', async () => {
    await members.stake('ann', 150n)
    expect(await members.read('draw', beaconOf(0), 1n, members.chain.now, [])).toBe('TimeNotPast')
    members.chain.advance(delay)
    expect(await members.draw(beaconOf(0), 1, members.chain.now - delay)).toHaveLength(1)
    expect(await members.read('draw', beaconOf(0), 1n, members.chain.now - delay - 1n, [])).toBe('SnapshotTooOld')
    expect(await members.read('totalWeightAt', members.chain.now - delay - 1n)).toBe('SnapshotTooOld')
  })

  test('seats by stake: of 300 first seats a member with half of all stake has near to half', async () => {
    for (const [name, amount] of [
      ['ann', 1_000n],
      ['bob', 500n],
      ['cat', 300n],
      ['dan', 200n],
    ] as const) {
      await members.stake(name, amount)
    }
    members.chain.advance(2)
    const time = members.chain.now - 1n
    const firsts = Array.from({ length: 300 }, (_, i) => members.register.draw(beaconOf(i), 1, time)[0])
    const ofAnn = firsts.filter((who) => who === members.who('ann')).length
    expect(ofAnn).toBeGreaterThan(120)
    expect(ofAnn).toBeLessThan(180)
  })

  test('of five seats of 60 members costs below 400,000 gas, joining below 250,000', async () => {
    for (let i = 0; i < 60; i++) {
      await members.stake(`m${i}`, 100n + BigInt(i))
      members.chain.advance(2)
    }
    expect(members.gas).toBeLessThan(250_000n)
    const time = members.chain.now - 20n
    const seats = await members.draw(beaconOf(1), 5, time)
    expect(seats).toEqual(members.register.draw(beaconOf(1), 5, time))
    expect(new Set(seats).size).toBe(5)
    expect(members.gas).toBeLessThan(400_000n)
  })

  test('finds members in slots of every digit of the tree', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `m${i}`)
    for (const name of names) await members.stake(name, 100n)
    members.chain.advance(2)
    const time = members.chain.now - 1n
    const all = await members.draw(beaconOf(2), 60, time)
    expect(new Set(all)).toEqual(new Set(names.map((name) => members.who(name))))
    expect(all).toEqual(members.register.draw(beaconOf(2), 60, time))
  })

  test('a slot is given to another only when nobody asks for its last member any more', async () => {
    await members.stake('ann', 100n)
    await members.stake('bob', 100n)
    await members.send(members.who('ann'), 'slash', [members.who('ann'), 100n * open, beneficiary])
    await members.stake('cat', 100n)
    expect(await members.read('slotCount')).toBe(3)
    members.chain.advance(delay + 1n)
    await members.stake('dan', 100n)
    expect(await members.read('slotCount')).toBe(3)
    expect(lower((await members.read('memberAt', 0n)) as Hex)).toBe(members.who('dan'))
  })
})

test('whatever members do, wei are conserved, weights are stakes, and chain and twin draw the same', {
  timeout: 120_000,
}, async () => {
  const names = Array.from({ length: 9 }, (_, i) => `m${i}`)
  const step = fc.record({
    who: fc.constantFrom(...names),
    act: fc.constantFrom('stake', 'stake', 'unbond', 'withdraw', 'slash', 'jail', 'unjail', 'claim'),
    amount: fc.bigInt(1n, 400n),
    dust: fc.bigInt(0n, 2n),
    wait: fc.constantFrom(0n, 0n, 1n, 7n, 400n, 1_100n),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.nat(), async (steps, seed) => {
      const at = await Members.create()
      for (const { who, act, amount, dust, wait } of steps) {
        at.chain.advance(wait)
        const from = at.who(who)
        const wei = amount * open + dust
        if (act === 'stake') await at.send(from, 'addStake', [], wei)
        else if (act === 'unbond') await at.send(from, 'requestUnbond', [wei])
        else if (act === 'withdraw') await at.send(from, 'withdrawStake', [from])
        else if (act === 'slash') await at.send(from, 'slash', [from, wei, at.who('m0')])
        else if (act === 'jail') await at.send(from, 'jail', [from, at.chain.now + amount])
        else if (act === 'unjail') await at.send(from, 'unjail')
        else await at.send(from, 'claimOwed', [from])
      }
      const [stake, unbonding, owed, slashed, burned, rewarded] = (await Promise.all(
        ['membersStake', 'membersUnbonding', 'owed', 'slashed', 'burned', 'rewarded'].map((name) => at.read(name)),
      )) as [bigint, bigint, bigint, bigint, bigint, bigint]
      expect(at.chain.balance(address)).toBe(stake + unbonding + owed)
      expect(slashed).toBe(burned + rewarded)
      expect(at.chain.supply()).toBe(10n ** 27n)
      at.chain.advance(1)
      let total = 0n
      for (const name of names) {
        const member = (await at.read('memberOf', at.who(name))) as { stake: bigint; jailed: boolean }
        const weight = member.jailed || member.stake < memberStakeMin ? 0n : member.stake / open
        expect(await at.read('weightAt', at.who(name), at.chain.now - 1n)).toBe(weight)
        total += weight
      }
      expect(await at.read('totalWeightAt', at.chain.now - 1n)).toBe(total)
      const barred = [at.who('m0'), at.who('m3')]
      for (const ago of [1n, 8n, 400n, 999n]) {
        const time = at.chain.now - ago
        expect(await at.draw(beaconOf(seed), 4, time, barred)).toEqual(
          at.register.draw(beaconOf(seed), 4, time, barred),
        )
      }
    }),
    { numRuns: 12 * scale },
  )
})
