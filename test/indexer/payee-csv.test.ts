import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ExplainThread } from '../../attribution/explain/explain-thread.ts'
import { systemClock } from '../../common/clock.ts'
import { silentLog } from '../../common/log.ts'
import { csvColumns, openDecimals } from '../../indexer/csv/payee-year.ts'
import { listen } from '../../indexer/http-server.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { FiledWorld } from '../fakes/filed-world.ts'
import { type Actor, open } from '../fakes/money-chain.ts'
import type { ProposedEpoch } from '../fakes/money-world.ts'
import { stake } from '../fakes/standing-model.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'

let world: IndexWorld
let index: TestIndex
let money: FiledWorld
let worker: Actor
let payer: Actor
let http: Awaited<ReturnType<typeof listen>>

beforeEach(async () => {
  world = await IndexWorld.start()
  index = world.open()
  money = await FiledWorld.watchedBy(world)
  ;[worker, payer] = [money.chain.actor('worker'), money.chain.actor('payer')]
  await stake(money.chain, worker)
  await money.deposit(payer, worker, 10n * open)
  const { store, sync, subscriptions: events } = index
  const served = {
    store,
    content: world.content,
    events,
    sync,
    escrowStates: () => [],
    governance: () => undefined,
    chainId: () => 901n,
    words: new ExplainThread({ indexes: undefined, models: [] }),
    log: silentLog,
    clock: systemClock,
  }
  http = await listen({ host: '127.0.0.1', port: 0 }, served)
})

afterEach(async () => {
  await http.stop()
  await world.stop()
})

async function epoch(...outputs: readonly number[]): Promise<ProposedEpoch> {
  const plans = outputs.map((tout) => money.plan(payer, worker, 100, tout))
  const { batch } = await money.commit(worker, money.build(worker, plans))
  return await money.settle([batch])
}

async function follow(): Promise<void> {
  money.show()
  await index.follow()
  await index.fetchFiles()
}

type Line = Readonly<Record<(typeof csvColumns)[number], string>>

async function csv(payee: Hex, year: number): Promise<Line[]> {
  const response = await fetch(`${http.url}/payees/${payee}/${year}.csv`)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8'])
  const [head = '', ...lines] = (await response.text()).trimEnd().split('\r\n')
  expect(head.split(',')).toEqual(csvColumns)
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [csvColumns[i], cell])) as Line)
}

const sum = (lines: readonly Line[], kind: string) =>
  lines.filter((line) => line.kind === kind).reduce((total, { amount_wei }) => total + BigInt(amount_wei), 0n)

describe('CSV of a payee', () => {
  test('the claims of all years are what the vault paid, the credits what it owed, to the wei', async () => {
    await money.claim(worker, await epoch(50, 7))
    // Across a New Year: the chain begins in November 2023.
    money.chain.advance(2)
    money.chain.evm.timestamp += 50n * 86_400n
    await money.deposit(payer, worker, open)
    const last = await epoch(9)
    await money.claim(worker, last)
    await follow()
    const years = [await csv(worker.address, 2023), await csv(worker.address, 2024)]
    const lines = years.flat()
    const [paid] = (await money.chain.read('RoyaltyVault', 'payees', [worker.address])) as [bigint]
    const owed = last.built.payouts.find(({ payee }) => payee === worker.address)?.cumulative
    expect([sum(lines, 'claim'), sum(lines, 'credit')]).toEqual([paid, owed])
    expect(years.map((year) => year.map(({ kind }) => kind))).toEqual([
      ['credit', 'credit', 'claim'],
      ['credit', 'claim'],
    ])
    for (const [i, year] of years.entries())
      for (const { time } of year) expect(time.slice(0, 4)).toBe(String(2023 + i))
    expect(await csv(worker.address, 2025)).toEqual([])
    for (const line of lines) {
      const { data } = await index.ask(`{ transaction(hash: "${line.transaction}") { blockNumber succeeded } }`)
      expect(data.transaction).toEqual({ blockNumber: Number(line.block), succeeded: true })
      expect(line.amount_open.replace('.', '').replace(/^0+/, '')).toBe(line.amount_wei)
    }
    const [credit] = lines
    const request = money.batches[0]?.built.receipts[0]?.receipt.requestId
    expect(credit).toMatchObject({
      epoch: '1',
      batch: '1',
      receipt: '0',
      class: 'W',
      model: '1',
      model_version: '1',
      request,
    })
  }, 60_000)

  test('a list of several pages is whole and each line is there once', async () => {
    const e = await epoch(...Array.from({ length: 600 }, () => 1))
    await follow()
    const lines = await csv(worker.address, 2023)
    expect(new Set(lines.map(({ receipt }) => receipt)).size).toBe(600)
    expect(lines).toHaveLength(600)
    expect(sum(lines, 'credit')).toBe(e.built.payouts.find(({ payee }) => payee === worker.address)?.cumulative)
  }, 60_000)

  test('while the data of an epoch is missing there is no list that only looks whole', async () => {
    await epoch(50)
    money.show()
    await index.follow()
    const response = await fetch(`${http.url}/payees/${worker.address}/2023.csv`)
    expect([response.status, await response.text()]).toEqual([503, 'the data of these epochs is missing: 1\n'])
    await index.fetchFiles()
    expect(await csv(worker.address.toUpperCase().replace('0X', '0x') as Hex, 2023)).toHaveLength(1)
  })

  test.each(['/payees/0x12/2023.csv', `/payees/0x${'11'.repeat(20)}/23.csv`, `/payees/0x${'11'.repeat(20)}/2023`])(
    'there is nothing at %s',
    async (path) => expect((await fetch(`${http.url}${path}`)).status).toBe(404),
  )
})

test.each([
  ['0', '0.000000000000000000'],
  ['1', '0.000000000000000001'],
  ['1000000000000000000', '1.000000000000000000'],
  ['123456789012345678901234567890', '123456789012.345678901234567890'],
])('%s wei are %s OPEN', (wei, decimals) => expect(openDecimals(wei)).toBe(decimals))
