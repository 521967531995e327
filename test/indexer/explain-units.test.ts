import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { FiledWorld } from '../fakes/filed-world.ts'
import { type Actor, open } from '../fakes/money-chain.ts'
import { unitsOf } from '../fakes/money-world.ts'
import { PayoutTree } from '../fakes/payout-tree.ts'
import { Random } from '../fakes/random.ts'
import { stake } from '../fakes/standing-model.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'

const registry = openLedgerPredeploys.datanetRegistry
const pool = poolPayee(payeePools.units, 1n)
const epochs = 4

let world: IndexWorld
let index: TestIndex
let money: FiledWorld
let holders: readonly Actor[]

/** Two versions, one allotted and claimed by some, sales all the time, an epoch after the other; the last is not brought. */
beforeAll(async () => {
  world = await IndexWorld.start()
  money = await FiledWorld.watchedBy(world)
  const { chain } = money
  holders = ['first', 'second', 'third', 'fourth'].map((name) => chain.actor(name))
  const [worker, payer, anyone] = [chain.actor('worker'), chain.actor('payer'), chain.actor('anyone')]
  await stake(chain, worker)
  await money.deposit(payer, worker, 10n * open)
  const tree = new PayoutTree(holders.map(({ address: payee }, i) => ({ payee, cumulative: BigInt(7 * i + 3) })))
  await chain.send(registry, 'DatanetUnits', 'issue', [1n, 1, anyone.address, 54n, tree.root])
  await chain.send(registry, 'DatanetUnits', 'issue', [1n, 2, holders[0]?.address, 1_000n, zeroHash])
  const random = new Random(31)
  const sell = async () => {
    const [from, to] = [random.pick(holders), random.pick(holders)]
    const id = (1n << 32n) | 2n
    const has = (await chain.read('DatanetUnits', 'balanceOf', [from.address, id])) as bigint
    await chain.send(from, 'DatanetUnits', 'transfer', [to.address, id, BigInt(random.int(Number(has) + 1))])
  }
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let i = 0; i < 3; i++) await sell()
    chain.advance(2)
    const plans = [money.plan(payer, worker, 3 + epoch, 20, [unitsOf(1n)])]
    const { batch } = await money.commit(worker, money.build(worker, plans))
    await sell()
    chain.advance(4)
    await sell()
    const claimer = holders[epoch]
    if (epoch < 3 && claimer !== undefined) {
      const { index: place, count, cumulative, siblings } = tree.claim(0n, claimer.address)
      const args = [(1n << 32n) | 1n, claimer.address, cumulative, place, count, siblings]
      await chain.send(claimer, 'DatanetUnits', 'claimAllotment', args)
    }
    const settled = await money.settle([batch])
    // A gift between epochs leaves a rest of its own to what comes next.
    await chain.send(anyone, 'RoyaltyVault', 'fund', [1, 1n], { value: 1_001n })
    if (epoch < epochs - 1) await money.claim({ ...anyone, address: pool }, settled)
  }
  money.show()
  index = await world.followed()
  await index.fetchFiles()
}, 120_000)

afterAll(() => world.stop())

type Told = {
  readonly units: {
    readonly time: number
    readonly total: string
    readonly isCredited: boolean
    readonly unclaimed: string
    readonly holderCount: number
    readonly holders: readonly { holder: Hex; units: string; amount: string; restQ64: string }[]
  }
  readonly state: string
  readonly differences: readonly string[]
}
const explain = async (payout: string, page = ''): Promise<Told> =>
  (
    await index.data(`{ explain(payout: "${payout}") { state differences
      units { time total isCredited unclaimed holderCount holders${page} { holder units amount restQ64 } } } }`)
  ).explain

test('an epoch’s payout to a Datanet’s pool goes on to who held units then, as the contract has them', async () => {
  const { chain } = money
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const { units, state, differences } = await explain(`${epoch}:${pool}:U`)
    expect([state, differences]).toEqual(['COMPLETE', []])
    expect(units.isCredited).toBe(epoch < epochs)
    expect(BigInt(units.time)).toBe(await chain.read('RoyaltyVault', 'snapshotOf', [BigInt(epoch)]))
    expect(BigInt(units.total)).toBe(await chain.read('DatanetUnits', 'unitsTotalAt', [1n, BigInt(units.time)]))
    for (const { address } of holders) {
      const held = (await chain.read('DatanetUnits', 'unitsAt', [1n, address, BigInt(units.time)])) as bigint
      expect(BigInt(units.holders.find(({ holder }) => holder === address)?.units ?? 0)).toBe(held)
    }
    expect(units.holders.length).toBeGreaterThan(1)
    // The fourth never claimed what it was allotted.
    expect(units.unclaimed).toBe('24')
  }
})

test('what every holder is owed of all epochs and gifts is what the vault pays it, to the wei', async () => {
  const owed = new Map<Hex, bigint>()
  for (let epoch = 1; epoch < epochs; epoch++) {
    const { units } = await explain(`${epoch}:${pool}`)
    for (const { holder, amount, restQ64 } of units.holders) {
      owed.set(holder, (owed.get(holder) ?? 0n) + (BigInt(amount) << 64n) + BigInt(restQ64))
    }
  }
  const gifts = index.store.all('select time, per_unit from unit_income where epoch is null')
  expect(gifts).toHaveLength(epochs)
  for (const { address } of holders) {
    let all = owed.get(address) ?? 0n
    for (const { time, per_unit: perUnit } of gifts) {
      const held = (await money.chain.read('DatanetUnits', 'unitsAt', [1n, address, BigInt(Number(time))])) as bigint
      all += held * BigInt(String(perUnit))
    }
    expect(all >> 64n).toBe(await money.chain.read('RoyaltyVault', 'claimable', [1, 1n, address]))
  }
})

test('holders come in pages that are together all of them, and a page that is too large is refused', async () => {
  const { units: all } = await explain(`1:${pool}`)
  const pages = []
  for (let from = 0; from < all.holderCount; from++) {
    pages.push(...(await explain(`1:${pool}`, `(first: 1, from: ${from})`)).units.holders)
  }
  expect(pages).toEqual(all.holders)
  expect((await explain(`1:${pool}`, '(from: 99)')).units.holders).toEqual([])
  for (const page of ['(first: 101)', '(first: 0)', '(from: -1)']) {
    await expect(explain(`1:${pool}`, page)).rejects.toThrow('first must be 1 to 100')
  }
})

test('a payee that is no Datanet’s pool has no unit holders; a changed row is told', async () => {
  const worker = money.chain.actor('worker').address
  const { explain: told } = await index.data(`{ explain(payout: "1:${worker}") { units { total } } }`)
  expect(told.units).toBeNull()
  const changed = await world.followed('changed')
  await changed.fetchFiles()
  changed.store.run('update unit_income set per_unit = per_unit || 0 where epoch = 1')
  const { explain: wrong } = await changed.data(`{ explain(payout: "1:${pool}") { state differences } }`)
  expect(wrong.state).toBe('INCOMPLETE')
  expect(wrong.differences).toHaveLength(1)
})
