import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { MoneyCall } from '../../../chain/ledger/money-contracts.ts'
import { Sender } from '../../../chain/ledger/sender.ts'
import type { Kzg } from '../../../chain/tx/kzg.ts'
import type { Clock } from '../../../common/clock.ts'
import { silentLog } from '../../../common/log.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import { LedgerChain } from '../../fakes/ledger-chain.ts'
import { until } from '../../fakes/until.ts'

const never = new AbortController().signal
const open = 10n ** 18n

describe('a role’s transactions on the L2', () => {
  let chain: LedgerChain
  let dir: string
  /** Whether a wait lets a block come. */
  let mines = true

  beforeEach(async () => {
    chain = await LedgerChain.open()
    dir = mkdtempSync(join(tmpdir(), 'sender-'))
    mines = true
  }, 60_000)
  afterEach(async () => {
    await chain.close()
    rmSync(dir, { recursive: true })
  })

  const clock: Clock = {
    nowMs: () => Date.now(),
    sleep: async (_, signal) => {
      await new Promise((next) => setImmediate(next))
      if (mines && signal?.aborted !== true) await chain.mine()
    },
  }
  const sender = (privateKey: Hex = chain.actor('alice').key) =>
    Sender.open(
      { name: 'attributor', privateKey, chainId: 901n, journalDir: dir },
      { rpc: chain.rpc, kzg: {} as Kzg, clock, log: silentLog, registry: new Registry() },
    )
  const deposit = (value: bigint, worker = chain.actor('worker').address): MoneyCall => ({
    ...{ contract: 'InferenceMarket', functionName: 'deposit', args: [worker], value },
  })
  const market: Hex = '0x4f4c000000000000000000000000000000000003'

  test('are mined, each once, in the order of the calls', async () => {
    const alice = await sender()
    const sent = await Promise.all([1n, 2n, 3n].map((value) => alice.send(deposit(value), never)))
    expect(new Set(sent.map(({ txHash }) => txHash)).size).toBe(3)
    expect(await chain.balance(market)).toBe(6n)
    expect(await chain.rpc.request('eth_getTransactionCount', [alice.address, 'latest'])).toBe('0x3')
  })

  test('that a contract would refuse are not sent, and the refusal has its name', async () => {
    const alice = await sender()
    const call: MoneyCall = { contract: 'InferenceMarket', functionName: 'matureBatches', args: [[]] }
    await expect(alice.send(call, never)).rejects.toMatchObject({
      code: 'reverted',
      cause: { error: 'NothingToMature' },
    })
    expect(await chain.rpc.request('eth_getTransactionCount', [alice.address, 'pending'])).toBe('0x0')
  })

  test('that were on their way when the node was killed are seen through, and nothing goes out twice', async () => {
    const killed = new AbortController()
    mines = false
    const first = (await sender()).send(deposit(5n), killed.signal)
    first.catch(() => undefined)
    await until(async () => (await chain.rpc.request('eth_getTransactionCount', [addressOf(), 'pending'])) === '0x1')
    killed.abort()
    await expect(first).rejects.toMatchObject({ code: 'aborted' })
    mines = true
    await (await sender()).send(deposit(7n), never)
    expect(await chain.balance(market)).toBe(12n)
    expect(await chain.rpc.request('eth_getTransactionCount', [addressOf(), 'latest'])).toBe('0x2')
  })

  test('whose effect a reorg took back can be sent again', async () => {
    const alice = await sender()
    await alice.send(deposit(5n), never)
    await chain.reorg(1)
    expect(await chain.balance(market)).toBe(0n)
    await alice.send(deposit(9n), never)
    expect(await chain.balance(market)).toBeGreaterThanOrEqual(9n)
  })

  test('of an account without money fail by that name, and go on once it has some', async () => {
    const key: Hex = `0x${'77'.repeat(32)}`
    const poor = await sender(key)
    await expect(poor.send(deposit(1n * open), never)).rejects.toMatchObject({ code: 'insufficient-funds' })
    const { address } = poor
    expect(await poor.balance()).toBe(0n)
    await chain.transfer(chain.actor('bob'), address, 3n * open)
    await poor.send(deposit(1n * open), never)
    expect(await chain.balance(market)).toBe(open)
  })

  const addressOf = () => chain.actor('alice').address
})
