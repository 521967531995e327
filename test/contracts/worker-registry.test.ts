import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys, predeploys } from '../../contracts/addresses.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type Actor, addressOf, clocks, MoneyChain, open } from '../fakes/money-chain.ts'

const registry = addressOf('WorkerRegistry')
/** Where burned wei goes out of circulation. */
const liquidity = predeploys.nativeAssetLiquidity
const game = openLedgerPredeploys.disputeGame
const faults = { late: 0, wrongFee: 3, withheld: 8, wrongStep: 9, equivocation: 10 } as const
const peerId = `0x0024${'08'.repeat(34)}` as Hex
const day = 86_400

let chain: MoneyChain
let worker: Actor
beforeEach(async () => {
  chain = await MoneyChain.create()
  worker = chain.actor('worker')
})

const send = (name: string, args: readonly unknown[] = [], value = 0n) =>
  chain.send(worker, 'WorkerRegistry', name, args, { value })
const fails = async (name: string, args: readonly unknown[] = [], value = 0n) =>
  (await chain.fails(worker, 'WorkerRegistry', name, args, { value })).error
const register = (stake = 1_000n * open, units = 5) => send('register', [peerId, units, 0b11], stake)
const slash = (fault: number, fee: bigint, to: Hex = game) =>
  chain.send(game, 'WorkerRegistry', 'slash', [worker.address, fault, fee, to])
/** What the market lets the worker cover fees with. */
const free = async () => ((await chain.read('InferenceMarket', 'coverOf', [worker.address])) as { free: bigint }).free
const read = (name: string) => chain.read('WorkerRegistry', name, [worker.address])

describe('registration', () => {
  test('stakes for every unit and tells the market', async () => {
    expect(await fails('register', [peerId, 5, 1], 500n * open - 1n)).toBe('UnderStaked')
    const { events } = await register()
    expect(events.map(({ name }) => name)).toEqual(['WorkerRegistered', 'PeerBound', 'StakeAdded', 'StakeSet'])
    expect(await read('isActive')).toBe(true)
    expect(await read('registeredAt')).toBe(chain.now)
    expect(await free()).toBe(1_000n * open)
    await send('addStake', [], open)
    expect(await free()).toBe(1_001n * open)
  })

  test('again changes what is offered, never the time', async () => {
    await register()
    const at = await read('registeredAt')
    chain.advance(100)
    expect(await fails('register', [peerId, 11, 1])).toBe('UnderStaked')
    await send('register', [peerId, 11, 1], 100n * open)
    expect(await read('workers')).toMatchObject({ units: 11, classes: 1, stake: 1_100n * open, registeredAt: at })
  })

  test.each<[string, readonly unknown[], string]>([
    ['no peer id', ['0x', 1, 1], 'BadPeerId'],
    ['a peer id of 65 bytes', [`0x${'00'.repeat(65)}`, 1, 1], 'BadPeerId'],
    ['no units', [peerId, 0, 1], 'BadUnits'],
    ['a million units and one', [peerId, 1_000_001, 1], 'BadUnits'],
    ['no class', [peerId, 1, 0], 'BadClasses'],
    ['class 6', [peerId, 1, 0x40], 'BadClasses'],
  ])('with %s is refused', async (_, args, error) => {
    expect(await fails('register', args, 100n * open)).toBe(error)
  })

  test('is asked of whoever adds stake or takes it back', async () => {
    expect(await fails('addStake', [], open)).toBe('UnknownWorker')
    expect(await fails('requestUnbond', [1n])).toBe('UnknownWorker')
    expect(await fails('withdraw', [worker.address])).toBe('NothingUnbonding')
    expect(await fails('cancelUnbond')).toBe('NothingUnbonding')
  })
})

describe('unbonding', () => {
  test('takes the stake out of cover at once, and pays it after the delay', async () => {
    await register()
    expect(await fails('requestUnbond', [1_000n * open + 1n])).toBe('AboveStake')
    expect(await fails('requestUnbond', [501n * open])).toBe('UnderStaked')
    expect(await fails('requestUnbond', [0n])).toBe('ZeroAmount')
    await send('requestUnbond', [500n * open])
    expect(await free()).toBe(500n * open)
    chain.advance(clocks.unbonding - 1n)
    expect(await fails('withdraw', [worker.address])).toBe('StillBonded')
    chain.advance(1n)
    const to: Hex = `0x${'7a'.repeat(20)}`
    await send('withdraw', [to])
    expect(chain.balance(to)).toBe(500n * open)
    expect(await fails('withdraw', [to])).toBe('NothingUnbonding')
    expect(await read('stakeOf')).toBe(500n * open)
  })

  test('of more begins the wait anew, and a cancelled one covers again', async () => {
    await register()
    await send('requestUnbond', [100n * open])
    chain.advance(clocks.unbonding - 1n)
    await send('requestUnbond', [100n * open])
    chain.advance(1n)
    expect(await fails('withdraw', [worker.address])).toBe('StillBonded')
    await send('cancelUnbond')
    expect(await free()).toBe(1_000n * open)
    await send('requestUnbond', [1_000n * open])
    expect(await read('isActive')).toBe(false)
    expect(await free()).toBe(0n)
  })

  test('stake can be slashed until it is paid', async () => {
    await register()
    await send('requestUnbond', [1_000n * open])
    await slash(faults.wrongStep, 0n)
    chain.advance(clocks.unbonding)
    const before = chain.balance(worker.address)
    await send('withdraw', [worker.address])
    expect(chain.balance(worker.address) - before).toBe(500n * open)
  })
})

describe('a slash', () => {
  test('is half a reward and half burned', async () => {
    await register()
    const [held, unissued] = [chain.balance(game), chain.balance(liquidity)]
    const { events, result } = await slash(faults.wrongStep, 0n)
    expect(result).toBe(500n * open)
    expect(events.map(({ name }) => name)).toEqual(expect.arrayContaining(['WorkerSlashed', 'WorkerJailed', 'Burned']))
    expect(chain.balance(game) - held).toBe(250n * open)
    expect(chain.balance(liquidity) - unissued).toBe(250n * open)
    expect(chain.balance(registry)).toBe(500n * open)
  })

  test('reaches a beneficiary that refuses wei', async () => {
    await register()
    const refusing: Hex = `0x${'66'.repeat(20)}`
    chain.evm.state.account(refusing).code = Uint8Array.of(0x5f, 0x5f, 0xfd)
    await slash(faults.late, 10n * open, refusing)
    expect(chain.balance(refusing)).toBe(5n * open)
  })

  test('of nobody, or of one who has nothing, takes nothing and does not fail', async () => {
    expect((await slash(faults.withheld, open)).result).toBe(0n)
    expect(await free()).toBe(0n)
  })

  test('comes from the dispute game and the ledger alone', async () => {
    await register()
    expect(await fails('slash', [worker.address, 0, 1n, worker.address])).toBe('NotAllowed')
    const ledger = openLedgerPredeploys.attributionLedger
    await chain.send(ledger, 'WorkerRegistry', 'slash', [worker.address, faults.withheld, open, worker.address])
    expect(await read('stakeOf')).toBe(1_000n * open - open - 100n * open)
  })

  test('that leaves too little for the units ends the cover without jail', async () => {
    await register(500n * open)
    await slash(faults.late, 1n)
    expect(await read('isActive')).toBe(false)
    expect(await free()).toBe(0n)
    await send('addStake', [], 1n)
    expect(await free()).toBe(500n * open)
  })
})

describe('jail', () => {
  test('ends the cover until its time is over and the worker asks', async () => {
    await register()
    await slash(faults.wrongFee, 0n)
    expect(await free()).toBe(0n)
    await send('addStake', [], open)
    expect(await free()).toBe(0n)
    expect(await fails('unjail')).toBe('StillInJail')
    chain.advance(day)
    expect(await free()).toBe(0n)
    await send('unjail')
    expect(await free()).toBe(951n * open)
    expect(await fails('unjail')).toBe('NotInJail')
  })

  test('is never cut short by a lesser fault', async () => {
    await register(10_000n * open)
    await slash(faults.equivocation, 0n)
    await slash(faults.wrongFee, 0n)
    chain.advance(30 * day - 1)
    expect(await fails('unjail')).toBe('StillInJail')
    chain.advance(1)
    await send('unjail')
  })
})

test('whatever is called in whatever order, the registry holds what it owes', async () => {
  const call = fc.record({
    name: fc.constantFrom(
      'register',
      'addStake',
      'requestUnbond',
      'cancelUnbond',
      'withdraw',
      'unjail',
      'slash',
      'wait',
    ),
    amount: fc.bigInt(0n, 2_000n * open),
    fault: fc.nat(10),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 15 }), async (calls) => {
      const world = await chain.fork()
      const unissued = world.balance(liquidity)
      let burned = 0n
      for (const { name, amount, fault } of calls) {
        const done = await attempt(world, name, amount, fault)
        if (name === 'slash' && typeof done === 'bigint') burned += done - done / 2n
        const owed = await world.read('WorkerRegistry', 'stakeOf', [worker.address])
        expect(world.balance(registry)).toBe(owed)
        expect(world.balance(liquidity) - unissued).toBe(burned)
        const { free: cover } = (await world.read('InferenceMarket', 'coverOf', [worker.address])) as { free: bigint }
        const active = await world.read('WorkerRegistry', 'isActive', [worker.address])
        const { stake } = (await world.read('WorkerRegistry', 'workers', [worker.address])) as { stake: bigint }
        expect(cover).toBe(active === true ? stake : 0n)
      }
    }),
    { numRuns: 15 },
  )
})

async function attempt(world: MoneyChain, name: string, amount: bigint, fault: number): Promise<unknown> {
  if (name === 'wait') return world.advance(amount / open)
  if (name === 'slash') {
    const args = [worker.address, fault, amount, game]
    return (await world.send(game, 'WorkerRegistry', 'slash', args)).result
  }
  const args = { register: [peerId, 3, 1], requestUnbond: [amount], withdraw: [worker.address] }[name] ?? []
  const value = name === 'register' || name === 'addStake' ? amount : 0n
  return await world.send(worker, 'WorkerRegistry', name, args, { value }).catch(() => undefined)
}

test('heartbeats are the attributor’s record, each epoch’s once, and move no money', async () => {
  const attributor = await chain.read('AttributionLedger', 'attributor')
  const root: Hex = `0x${'be'.repeat(32)}`
  const commit = (epoch: bigint) =>
    chain.send(attributor as Hex, 'WorkerRegistry', 'commitHeartbeats', [epoch, root, 7])
  const refused = async (from: Actor | Hex, epoch: bigint) =>
    (await chain.fails(from, 'WorkerRegistry', 'commitHeartbeats', [epoch, root, 7])).error
  await register()
  const before = chain.balance(registry)
  expect(await refused(worker, 1n)).toBe('NotAttributor')
  const { events } = await commit(3n)
  expect(events).toMatchObject([{ name: 'HeartbeatRoot', args: { epoch: 3n, root, workers: 7 } }])
  for (const epoch of [0n, 2n, 3n]) expect(await refused(attributor as Hex, epoch)).toBe('HeartbeatsNotNext')
  await commit(4n)
  expect([await chain.read('WorkerRegistry', 'heartbeatEpoch', []), chain.balance(registry)]).toEqual([4n, before])
  expect(await read('workers')).toMatchObject({ stake: 1_000n * open, jailed: false })
})
