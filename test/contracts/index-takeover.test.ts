import { beforeEach, describe, expect, test } from 'vitest'
import { lapsesIn } from '../../attribution/answer-file/rule-facts.ts'
import { deadFromSlot, lapseSlot } from '../../attribution/answer-file/slots.ts'
import { checkIndex } from '../../attribution/suffix/check-index.ts'
import type { IndexOpener } from '../../attribution/suffix/index-opener.ts'
import { itemTree, type VersionItem } from '../../attribution/suffix/item-tree.ts'
import { bytesToBigint, bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { heldOf, itemsOf, openerOf } from '../fakes/held-index.ts'
import { permissive } from '../fakes/licences.ts'
import { type Actor, addressOf, clocks, MoneyChain, open } from '../fakes/money-chain.ts'
import { Random } from '../fakes/random.ts'
import { addingDiff, noRoots } from '../fakes/version-diff.ts'

const bond = 100n * open
const [day, notice, window] = [86_400n, 30n * 86_400n, BigInt(clocks.window)]
const never = 2n ** 64n

let chain: MoneyChain
/** Of one Datanet version: an index that is right, and one that counts a token wrongly. */
let right: IndexOpener
let wrong: IndexOpener
let items: readonly VersionItem[]
let attacker: Actor
let honest: Actor
let other: Actor

beforeEach(async () => {
  chain = await MoneyChain.create()
  ;[attacker, honest, other] = [chain.actor('attacker'), chain.actor('honest'), chain.actor('other')]
  const held = heldOf(3)
  right = openerOf(held)
  items = itemsOf(held)
  held.unigrams[3] = (held.unigrams[3] ?? 0) + 1
  wrong = openerOf(held)
  const owner = chain.actor('datanet owner')
  const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
  await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, word(2), 0n, word(3)])
  const roots = { ...noRoots, itemsRoot: itemTree(items).root }
  await chain.send(owner, 'DatanetRegistry', 'publish', [1n, roots, addingDiff(items.length)])
})

const send = async (who: Actor, name: string, ...args: readonly unknown[]) =>
  await chain.send(who, 'IndexRegistry', name, args, name === 'publish' ? { value: bond } : {})
const fails = async (who: Actor, name: string, ...args: readonly unknown[]) =>
  (await chain.fails(who, 'IndexRegistry', name, args, name === 'publish' ? { value: bond } : {})).error
const read = async (name: string, ...args: readonly unknown[]) => await chain.read('IndexRegistry', name, args)
const publish = (who: Actor, opener = right) => send(who, 'publish', opener.index.record)
const isDeadAt = async (time: bigint, opener = right) => (await read('isDeadAt', opener.index.id, time)) as boolean
/** As the chain's accounts are written. */
const lowerCase = (args: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(args).map(([k, v]) => [k, typeof v === 'string' ? v.toLowerCase() : v]))
const isLive = async () => (await read('isLive', right.index.id)) as boolean
/** Where an actor has bonds sent, and nothing else. */
const sink = (who: Actor): Hex => `0x${who.address.slice(4)}77`

describe('taking a retired index over', () => {
  test('within its notice: it never stops counting, a model can name it again, and the new publisher alone can retire it', async () => {
    await publish(attacker)
    const { id } = right.index
    await send(attacker, 'retire', id)
    const deadFrom = chain.now + notice
    expect([await isDeadAt(deadFrom - 1n), await isDeadAt(deadFrom)]).toEqual([false, true])
    chain.advance(notice - 1n)
    const { events, result } = await publish(honest)
    expect(result).toBe(id)
    expect(events.map(({ name, args }) => [name, lowerCase(args)])).toEqual([
      ['IndexBondKept', { id, publisher: attacker.address, amount: bond, freeFrom: deadFrom + 2n * window }],
      ['IndexTakenOver', { id, publisher: honest.address, former: attacker.address, countsFrom: chain.now, bond }],
    ])
    for (const time of [chain.now, deadFrom, deadFrom + 1n, never - 1n]) expect(await isDeadAt(time)).toBe(false)
    expect(await isLive()).toBe(true)
    expect(await fails(attacker, 'retire', id)).toBe('NotPublisher')
    expect(await fails(other, 'publish', right.index.record)).toBe('AlreadyPublished')
  })

  test('after it died: it counts from midnight on, and what was committed while it was dead stays judged so', async () => {
    await publish(attacker)
    await send(attacker, 'retire', right.index.id)
    const died = chain.now + notice
    // To the second of its death: a batch of that second counted it for nothing.
    chain.advance(notice)
    await publish(honest)
    const back = (chain.now / day + 1n) * day
    const times = [died - 1n, died, back - 1n, back, never - 1n]
    const judged = [false, true, true, false, false]
    expect(await Promise.all(times.map((time) => isDeadAt(time)))).toEqual(judged)
    expect(await isLive()).toBe(true)
    expect(await read('lapseOf', right.index.id, 0n)).toEqual({ from: died, until: back })
    // Retired and revived again, the first time stands.
    chain.advance(3n * day)
    await send(honest, 'retire', right.index.id)
    chain.advance(notice + day)
    await publish(other)
    expect(await Promise.all(times.slice(0, 4).map((time) => isDeadAt(time)))).toEqual(judged.slice(0, 4))
    expect(await isDeadAt(chain.now)).toBe(true)
    expect(await isDeadAt(chain.now + day)).toBe(false)
  })

  test('where answer files look for it stands when it was dead', async () => {
    const { id } = right.index
    const { storage } = chain.evm.state.account(addressOf('IndexRegistry'))
    const word = (slot: Uint8Array) => bytesToBigint(storage.get(bytesToHex(slot)) ?? new Uint8Array())
    await publish(attacker)
    const lapses: bigint[] = []
    for (const who of [attacker, honest]) {
      await send(who, 'retire', id)
      const died = chain.now + notice
      expect(BigInt.asUintN(64, word(deadFromSlot(id)))).toBe(died)
      chain.advance(notice + day)
      await publish(who === attacker ? honest : other)
      lapses.push((((chain.now / day + 1n) * day) << 64n) | died)
      expect(BigInt.asUintN(64, word(deadFromSlot(id)))).toBe(0n)
      expect(lapsesIn(word(deadFromSlot(id)))).toBe(lapses.length)
      expect(lapses.map((_, number) => word(lapseSlot(id, number)))).toEqual(lapses)
    }
  })

  test('each bond goes back to whoever gave it, at the time that its own retirement said, and to nobody else', async () => {
    const { id } = right.index
    await publish(attacker)
    await send(attacker, 'retire', id)
    const free = chain.now + notice + 2n * window
    chain.advance(day)
    await publish(honest)
    expect(await fails(attacker, 'returnBond', id, sink(attacker))).toBe('BondLocked')
    chain.advance(free - chain.now - 1n)
    expect(await fails(attacker, 'returnBond', id, sink(attacker))).toBe('BondLocked')
    chain.advance(1n)
    expect(await fails(honest, 'returnBond', id, sink(honest))).toBe('BondLocked')
    expect(await fails(other, 'returnBond', id, sink(other))).toBe('NotPublisher')
    await send(attacker, 'returnBond', id, sink(attacker))
    expect(await fails(attacker, 'returnBond', id, sink(attacker))).toBe('NotPublisher')
    expect([chain.balance(sink(attacker)), chain.balance('IndexRegistry')]).toEqual([bond, bond])
  })

  test('a false index costs the bond that answers for it then, whoever published it first, and never comes back', async () => {
    const { id, record } = wrong.index
    await publish(attacker, wrong)
    await send(attacker, 'retire', id)
    await publish(honest, wrong)
    const challenge = checkIndex(wrong, items)
    await send(other, challenge?.functionName ?? '', ...(challenge?.args ?? []))
    const dead = (chain.now / day + 1n) * day
    expect(chain.balance('IndexRegistry')).toBe(bond + bond / 2n)
    for (const days of [0n, 1n, 31n, 400n]) {
      chain.advance(days * day)
      for (const who of [attacker, honest, other]) expect(await fails(who, 'publish', record)).toBe('AlreadyFalse')
    }
    expect([await isDeadAt(dead - 1n, wrong), await isDeadAt(chain.now, wrong)]).toEqual([false, true])
    await send(attacker, 'returnBond', id, sink(attacker))
    expect(chain.balance(sink(attacker))).toBe(bond)
    expect(await fails(honest, 'returnBond', id, sink(honest))).toBe('NoBond')
  })

  test('nothing but a whole bond takes one over', async () => {
    await publish(attacker)
    await send(attacker, 'retire', right.index.id)
    const { error } = await chain.fails(honest, 'IndexRegistry', 'publish', [right.index.record], { value: bond - 1n })
    expect(error).toBe('WrongBond')
    expect(chain.balance('IndexRegistry')).toBe(bond)
  })
})

test('an attacker who retires whatever it gets hold of takes no index away from a model while one party acts once a notice', async () => {
  const { id } = right.index
  await publish(attacker)
  await send(attacker, 'retire', id)
  let locked = 1n
  for (let round = 0; round < 6; round++) {
    const fresh = chain.actor(`attacker ${round}`)
    // The attacker is first every time, and retires in the same block: that opens the door for the honest party behind it.
    await publish(fresh)
    locked += 1n
    expect(await fails(honest, 'publish', right.index.record)).toBe('AlreadyPublished')
    await send(fresh, 'retire', id)
    expect(await isDeadAt(chain.now)).toBe(false)
    chain.advance(notice - 1n)
    expect(await isDeadAt(chain.now)).toBe(false)
  }
  expect(chain.balance('IndexRegistry') >= bond * locked).toBe(true)
  await publish(honest)
  // From here on nobody but the honest party can retire it.
  expect(await fails(attacker, 'publish', right.index.record)).toBe('AlreadyPublished')
  expect(await fails(attacker, 'retire', id)).toBe('NotPublisher')
  chain.advance(1_000n * day)
  expect(await isDeadAt(chain.now)).toBe(false)
})

/** What the registry should know of an index; written anew from docs/ATTRIBUTION.md §2. */
class Expected {
  publisher: string | undefined
  bond = 0n
  deadFrom = 0n
  isFalse = false
  readonly lapses: (readonly [bigint, bigint])[] = []
  readonly kept = new Map<string, { amount: bigint; freeFrom: bigint }>()

  publish(who: string, now: bigint): string | undefined {
    if (this.publisher !== undefined) {
      if (this.isFalse) return 'AlreadyFalse'
      if (this.deadFrom === 0n) return 'AlreadyPublished'
      const amount = (this.kept.get(this.publisher)?.amount ?? 0n) + this.bond
      if (this.bond > 0n) this.kept.set(this.publisher, { amount, freeFrom: this.deadFrom + 2n * window })
      if (this.deadFrom <= now) this.lapses.push([this.deadFrom, midnight(now)])
    }
    ;[this.publisher, this.bond, this.deadFrom] = [who, bond, 0n]
    return undefined
  }

  retire(who: string, now: bigint): string | undefined {
    if (this.publisher === undefined) return 'UnknownIndex'
    if (this.publisher !== who) return 'NotPublisher'
    if (this.deadFrom !== 0n) return 'AlreadyRetired'
    this.deadFrom = now + notice
    return undefined
  }

  /** What is paid, or why nothing is. */
  returnBond(who: string, now: bigint): bigint | string {
    if (this.publisher === undefined) return 'UnknownIndex'
    const kept = this.kept.get(who)
    if (kept !== undefined) {
      if (now < kept.freeFrom) return 'BondLocked'
      this.kept.delete(who)
      return kept.amount
    }
    if (this.publisher !== who) return 'NotPublisher'
    if (this.deadFrom === 0n || now < this.deadFrom + 2n * window) return 'BondLocked'
    const paid = this.bond
    this.bond = 0n
    return paid === 0n ? 'NoBond' : paid
  }

  /** What its challenger is owed, or why nothing is. */
  proveFalse(now: bigint): bigint | string {
    if (this.publisher === undefined) return 'UnknownIndex'
    if (this.isFalse) return 'AlreadyFalse'
    const from = midnight(now)
    if (this.deadFrom === 0n || from < this.deadFrom) this.deadFrom = from
    const reward = this.bond / 2n
    ;[this.isFalse, this.bond] = [true, 0n]
    return reward
  }

  isDeadAt(time: bigint): boolean {
    const isOver = this.deadFrom !== 0n && this.deadFrom <= time
    return isOver || this.lapses.some(([from, until]) => from <= time && time < until)
  }

  held(): bigint {
    return [...this.kept.values()].reduce((sum, { amount }) => sum + amount, this.bond)
  }
}

function midnight(now: bigint): bigint {
  return (now / day + 1n) * day
}

const steps = Number(process.env['OPENLEDGER_FUZZ'] ?? 100)
const firstSeed = Number(process.env['OPENLEDGER_SEED'] ?? 1)

test.each([firstSeed, firstSeed + 1])(
  'whatever is published, retired, taken over, proven false and paid back in any order: seed %i',
  async (seed) => {
    const random = new Random(seed)
    const people = [attacker, honest, other]
    const challenge = checkIndex(wrong, items)
    const sides = [
      { opener: right, expected: new Expected() },
      { opener: wrong, expected: new Expected() },
    ] as const
    const paid = new Map<Hex, bigint>()
    /** What was judged when: never another thing later. */
    const judged: (readonly [opener: IndexOpener, time: bigint, isDead: boolean])[] = []
    let rewards = 0n
    /** What becomes of a call, beside what should. */
    const attempt = async (what: string | bigint | undefined, ...call: Parameters<typeof send>) => {
      if (typeof what === 'string') expect([call[1], await fails(...call)]).toEqual([call[1], what])
      else await send(...call)
    }
    for (let step = 0; step < steps; step++) {
      const waits = [0n, 2n, day / 3n, day, 9n * day, notice - 1n, notice, notice + 2n * window]
      chain.advance(random.pick(waits))
      const { opener, expected } = random.chance(0.7) ? sides[0] : sides[1]
      const who = random.pick(people)
      const { id, record } = opener.index
      const { now } = chain
      if (random.chance(0.4)) await attempt(expected.publish(who.address, now), who, 'publish', record)
      else if (random.chance(0.5)) await attempt(expected.retire(who.address, now), who, 'retire', id)
      else if (random.chance(0.9)) {
        const back = expected.returnBond(who.address, now)
        await attempt(back, who, 'returnBond', id, sink(who))
        if (typeof back === 'bigint') paid.set(sink(who), (paid.get(sink(who)) ?? 0n) + back)
      } else if (opener === wrong) {
        const reward = expected.proveFalse(now)
        await attempt(reward, other, challenge?.functionName ?? '', ...(challenge?.args ?? []))
        if (typeof reward === 'bigint') rewards += reward
      }
      const dead = await isDeadAt(chain.now, opener)
      expect(dead).toBe(expected.isDeadAt(chain.now))
      judged.push([opener, chain.now, dead])
      expect(chain.balance('IndexRegistry')).toBe(sides[0].expected.held() + sides[1].expected.held() + rewards)
      for (const person of people) expect(chain.balance(sink(person))).toBe(paid.get(sink(person)) ?? 0n)
    }
    for (const [opener, time, dead] of judged) expect(await isDeadAt(time, opener)).toBe(dead)
    // Nobody's bond is lost but that of the false index's last publisher.
    chain.advance(notice + 2n * window)
    for (const { opener, expected } of sides) {
      const last = people.find(({ address }) => address === expected.publisher)
      const call = [opener.index.id] as const
      if (last !== undefined && expected.retire(last.address, chain.now) === undefined)
        await send(last, 'retire', ...call)
    }
    chain.advance(notice + 2n * window)
    for (const { opener, expected } of sides) {
      for (const person of people) {
        while (typeof expected.returnBond(person.address, chain.now) === 'bigint') {
          await send(person, 'returnBond', opener.index.id, sink(person))
        }
      }
    }
    expect(chain.balance('IndexRegistry')).toBe(rewards)
  },
  20_000 + 200 * steps,
)
