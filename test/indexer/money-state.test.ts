import { type AbiEvent, toEventSelector } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { memberClaimable, memberState } from '../../indexer/handlers/royalty-pools.ts'
import type { Escrow } from '../../indexer/store/escrows.ts'
import type { Row } from '../../indexer/store/store.ts'
import { indexedContracts } from '../../indexer/sync/apply-block.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { EpochRecord } from '../../protocol/epoch-record.ts'
import { addressOf, clocks, MoneyChain, type MoneyContract } from '../fakes/money-chain.ts'
import { MoneyFuzz } from '../fakes/money-fuzz.ts'
import { MoneyWorld } from '../fakes/money-world.ts'
import { Random } from '../fakes/random.ts'
import { RecordedChain } from '../fakes/recorded-chain.ts'
import { stake, standingModel } from '../fakes/standing-model.ts'
import { dump, IndexWorld, type TestIndex } from '../fakes/test-index.ts'

const steps = 600

let world: IndexWorld
let index: TestIndex
let chain: MoneyChain

beforeAll(async () => {
  world = await IndexWorld.start()
  chain = await MoneyChain.create()
  const recorded = new RecordedChain(chain, world.chain)
  const { terms, royaltyRows } = await standingModel(chain)
  const money = new MoneyWorld(chain, terms, royaltyRows)
  await epochs(money)
  const fuzz = await MoneyFuzz.create(new Random(11), money)
  for (let i = 0; i < steps; i++) await fuzz.step()
  chain.advance(1)
  recorded.show()
  index = world.open()
  await index.follow()
}, 300_000)

afterAll(() => world.stop())

/** Three final epochs with claims, then one that is reverted with the one that stands on it. */
async function epochs(money: MoneyWorld): Promise<void> {
  const [worker, payer] = [chain.actor('worker'), chain.actor('payer')]
  await stake(chain, worker)
  await money.deposit(payer, worker, 10n ** 18n)
  const commit = async () => (await money.commit(worker, money.build(worker, [money.plan(payer, worker)]))).batch
  for (let i = 0; i < 3; i++) await money.claim(worker, await money.settle([await commit()]))
  const proposed: EpochRecord[] = []
  for (let i = 0; i < 2; i++) {
    const batch = await commit()
    chain.advance(clocks.window)
    await money.mature([batch])
    proposed.push((await money.propose([batch])).epoch.record)
  }
  await chain.send(addressOf('DisputeGame'), 'AttributionLedger', 'revertEpoch', [proposed[0], payer.address])
  await chain.send(worker, 'AttributionLedger', 'releaseOrphan', [proposed[1]])
  money.epochs.length = 3
}

const rows = (sql: string) => index.store.all(sql)
const read = async (contract: MoneyContract, name: string, ...args: unknown[]) =>
  (await chain.read(contract, name, args)) as never

/** Some columns, as bigints. */
const wei = (row: Row, ...names: string[]) => names.map((name) => BigInt(String(row[name] ?? 0)))

describe('what contracts hold is what the index says they owe', () => {
  const names = {
    market: 'InferenceMarket',
    vault: 'RoyaltyVault',
    ledger: 'AttributionLedger',
    stakes: 'WorkerRegistry',
  } as const

  test('to the wei, after random business', () => {
    for (const [escrow, contract] of Object.entries(names))
      expect([escrow, index.owed(escrow as Escrow)]).toEqual([escrow, chain.balance(contract)])
    const disputes = chain.balance('DisputeGame') + chain.balance(openLedgerPredeploys.indexRegistry)
    expect(index.owed('disputes')).toBe(disputes)
  })

  test('and a wei that is missing is told', async () => {
    let stolen = 0n
    world.chain.methods['eth_getBalance'] = ([address]) => {
      const balance = chain.balance(String(address) as Hex)
      return `0x${(address === openLedgerPredeploys.royaltyVault ? balance - stolen : balance).toString(16)}`
    }
    const covered = async () => {
      await index.escrowWatch.look()
      const { data } = await index.ask('{ _meta { escrows { name held owed block isCovered } } }')
      return Object.fromEntries(
        data._meta.escrows.map((one: { name: string; isCovered: boolean }) => [one.name, one.isCovered]),
      )
    }
    expect(await covered()).toMatchObject({ market: true, vault: true, ledger: true, stakes: true })
    stolen = 1n
    world.chain.mine([])
    await index.follow()
    expect(await covered()).toMatchObject({ market: true, vault: false })
  })
})

describe('after random business the index holds what the contracts hold', () => {
  test('channels', async () => {
    const found = rows('select * from channel')
    expect(found.length).toBeGreaterThan(5)
    for (const row of found) {
      const { balance, spent } = (await read('InferenceMarket', 'channels', row['key'])) as Record<string, bigint>
      expect(wei(row, 'balance', 'spent')).toEqual([balance, spent])
      const [amount, availableAt] = (await read('InferenceMarket', 'withdrawals', row['key'])) as [bigint, bigint]
      expect(wei(row, 'withdrawal', 'withdrawal_at')).toEqual([amount, availableAt])
    }
  })

  test('workers', async () => {
    const found = rows('select * from worker')
    expect(found.length).toBeGreaterThanOrEqual(5)
    for (const row of found) {
      const worker = (await read('WorkerRegistry', 'workers', row['key'])) as Record<string, bigint | number | boolean>
      expect(wei(row, 'stake', 'unbonding', 'unbonds_at', 'units', 'classes', 'registered_at')).toEqual(
        ['stake', 'unbonding', 'unbondsAt', 'units', 'classes', 'registeredAt'].map((name) =>
          BigInt(worker[name] ?? 0),
        ),
      )
      expect([row['jailed'] === 1, BigInt(String(row['jailed_until'] ?? 0))]).toEqual([
        worker['jailed'],
        worker['jailedUntil'],
      ])
      const { free, cover } = (await read('InferenceMarket', 'coverOf', row['key'])) as Record<string, bigint>
      expect(wei(row, 'free', 'cover')).toEqual([free, cover])
    }
  })

  test('batches', async () => {
    const found = rows('select * from receipt_batch')
    const [lastMature] = (await read('InferenceMarket', 'maturedTotals')) as [bigint]
    expect(BigInt(found.length)).toBe(await read('InferenceMarket', 'batchCount'))
    expect(found.map((row) => row['status'])).toEqual(expect.arrayContaining(['mature', 'void']))
    for (const row of found) {
      const key = BigInt(Number(row['key']))
      expect(row['hash']).toBe(await read('InferenceMarket', 'batchHash', key))
      expect(row['status'] === 'void').toBe(await read('InferenceMarket', 'isBatchVoid', key))
      const state = (await read('InferenceMarket', 'batchState', key)) as { holds: number; receipts: bigint }
      expect(row['holds']).toBe(state.holds)
      if (row['status'] !== 'void') expect(row['status'] === 'mature').toBe(key <= lastMature)
      if (row['status'] === 'mature')
        expect(BigInt(Number(row['receipts_before']) + Number(row['count']))).toBe(state.receipts)
      const voided = rows(`select * from void_receipt where batch = ${key}`)
      expect(voided).toHaveLength(Number(row['voided']))
      for (const { receipt } of voided) expect(await read('InferenceMarket', 'isVoid', key, Number(receipt))).toBe(true)
    }
  })

  test('requests and refunds owed', async () => {
    for (const row of rows('select * from refund')) {
      expect(wei(row, 'owed')).toEqual([await read('InferenceMarket', 'refundOf', row['key'])])
    }
  })

  test('epochs', async () => {
    const found = rows('select * from epoch')
    expect(found.length).toBeGreaterThan(4)
    const statuses = found.map((row) => row['status'])
    expect(statuses).toEqual(expect.arrayContaining(['final', 'reverted', 'released']))
    const final = Number(await read('AttributionLedger', 'finalEpoch'))
    const last = Number(await read('AttributionLedger', 'lastEpoch'))
    for (const row of found) {
      const number = Number(row['number'])
      const stands = ['proposed', 'final'].includes(String(row['status']))
      if (stands) expect(row['hash']).toBe(await read('AttributionLedger', 'epochHash', BigInt(number)))
      if (stands) expect(row['status'] === 'final').toBe(number <= final)
    }
    expect(found.filter((row) => ['proposed', 'final'].includes(String(row['status'])))).toHaveLength(last)
    const finals = found.filter((row) => row['status'] === 'final')
    for (const row of finals)
      expect(row['payout_root']).toBe(await read('RoyaltyVault', 'payoutRoot', BigInt(Number(row['number']))))
  })

  test('demands', async () => {
    const found = rows('select * from demand')
    expect(found.length).toBeGreaterThan(2)
    for (const row of found) {
      const [requester] = (await read('AttributionLedger', 'demands', row['key'])) as [string]
      expect(row['status'] === 'open').toBe(!/^0x0+$/.test(requester))
      expect(row['status'] === 'served').toBe(await read('AttributionLedger', 'isServed', row['key']))
    }
  })

  test('payees, pools and their members', async () => {
    expect(rows("select * from claim where kind = 'payout'").length).toBeGreaterThan(2)
    for (const row of rows('select * from payee')) {
      const [paid, epoch] = (await read('RoyaltyVault', 'payees', row['key'])) as [bigint, bigint]
      expect(wei(row, 'claimed', 'claimed_epoch')).toEqual([paid, epoch])
      const recipient = (await read('RoyaltyVault', 'recipientOf', row['key'])) as string
      expect(String(row['recipient'] ?? `0x${'0'.repeat(40)}`)).toBe(recipient.toLowerCase())
    }
    for (const row of rows("select * from pool where kind <> 'units'")) {
      const pool = (await read('RoyaltyVault', 'pools', row['key'])) as [bigint, bigint, bigint]
      expect(wei(row, 'acc_q64', 'undistributed_q64', 'units')).toEqual([...pool])
    }
    const members = rows("select m.* from pool_member m join pool p on p.key = m.pool where p.kind <> 'units'")
    expect(members.length).toBeGreaterThan(0)
    for (const row of members) {
      const member = (await read('RoyaltyVault', 'members', row['pool'], row['member'])) as [bigint, bigint, bigint]
      const pool = index.store.state('pool', String(row['pool']))
      const [acc = 0n] = wei(pool ?? {}, 'acc_q64')
      // A claim of less than a wei settles in the vault without an event: what is owed in all is the same.
      const settled = ([paid, owed, units]: readonly bigint[]) => [
        (owed ?? 0n) + (units ?? 0n) * (acc - (paid ?? 0n)),
        units,
      ]
      expect(settled(wei(row, 'acc_paid_q64', 'owed_q64', 'units'))).toEqual(settled(member))
      const kind = ['stakers', 'units', 'treasury'].indexOf(String(pool?.['kind']))
      const args = [kind, BigInt(Number(pool?.['datanet'] ?? 0)), row['member']]
      const claimable = await read('RoyaltyVault', 'claimable', ...args)
      expect(memberClaimable(memberState(row), wei(pool ?? {}, 'acc_q64')[0] ?? 0n)).toBe(claimable)
    }
  })

  test('models', async () => {
    for (const row of rows('select * from model')) {
      const model = (await read('ModelRegistry', 'models', BigInt(Number(row['key'])))) as Record<string, unknown>
      expect([
        row['owner'],
        row['versions'],
        row['deprecated'] === 1,
        row['frozen'] === 1,
        row['royalty_hash'],
      ]).toEqual([
        String(model['owner']).toLowerCase(),
        model['versions'],
        model['deprecated'],
        model['frozen'],
        model['royaltyHash'],
      ])
    }
  })
})

test('taken back by any depth and read again, the index has the rows of one that never saw those blocks', async () => {
  const { number } = world.chain.head
  const all = world.open('all')
  await all.follow()
  for (const depth of [1, 40, number >> 1, number - 1]) {
    all.store.rollbackTo(number - depth)
    const catchUp = world.chain.lagTo(number - depth)
    const fresh = world.open(`fresh-${depth}`)
    await fresh.follow()
    expect(all.store.cursor()).toEqual(fresh.store.cursor())
    expect(dump(all.store)).toEqual(dump(fresh.store))
    world.close(fresh)
    catchUp()
    await all.follow()
  }
  expect(all.store.cursor()).toEqual(index.store.cursor())
  expect(dump(all.store)).toEqual(dump(index.store))
}, 120_000)

test('every event of every contract that the index knows is handled, so that a new one cannot be forgotten', () => {
  const forgotten = indexed.flatMap((name) => {
    const handlers = indexedContracts.get(addressOf(name))
    const events = (loadArtifact(name).abi as unknown as AbiEvent[]).filter(({ type }) => type === 'event')
    const unknown = events.filter((event) => !handlers?.has(toEventSelector(event)))
    const gone = handlers?.size === events.length ? [] : [`${name} has ${handlers?.size} handlers`]
    return [...unknown.map((event) => `${name}.${event.name}`), ...gone]
  })
  expect(forgotten).toEqual([])
  expect(indexed.map(addressOf).sort()).toEqual([...indexedContracts.keys()].sort())
})

const indexed: readonly MoneyContract[] = [
  ...(['DatanetRegistry', 'ModelRegistry', 'InferenceMarket', 'WorkerRegistry', 'AttributionLedger'] as const),
  ...(['RoyaltyVault', 'RevenueSplitter', 'DisputeGame', 'CodeRegistry', 'OpenBurner'] as const),
  ...([
    'IndexRegistry',
    'EvidenceDemands',
    'TraceDemands',
    'LicencePolicy',
    'CheckerCommittee',
    'FingerprintJudge',
    'DatanetReview',
    'SignatureProofs',
    'SignatureRegistry',
    'SketchRegistry',
  ] as const),
  ...(['DatanetUnits', 'DatanetVotes', 'DatanetAccess', 'DatanetJudge'] as const),
  ...(['AgentRegistry', 'AgentReviews', 'AgentSpending', 'AgentTrails', 'Grants'] as const),
  ...(['GOPEN', 'OpenLedgerGovernor', 'Timelock', 'MoneyTimelock', 'StakePool', 'FeeShares', 'FeeSplitter'] as const),
  'LiquidityController',
  'WOPEN',
]
