import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { committedBatch } from '../../chain/ledger/committed-batch.ts'
import { systemClock } from '../../common/clock.ts'
import { ContentStore } from '../../common/content-store.ts'
import { RpcServer } from '../../common/json-rpc-server.ts'
import { silentLog } from '../../common/log.ts'
import { type RunningIndexer, startIndexer } from '../../indexer/indexer.ts'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { contentHash, merkleRoot } from '../../protocol/content-hash.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { largestRemainder } from '../../protocol/largest-remainder.ts'
import { recomputePayouts } from '../../scripts/recompute-payouts.ts'
import { LedgerChain } from '../fakes/ledger-chain.ts'
import { fileOf, LedgerMarket } from '../fakes/ledger-market.ts'
import { buildBatch, type Plan } from '../fakes/money-batch.ts'
import { clocks } from '../fakes/money-chain.ts'
import { Random } from '../fakes/random.ts'
import { settleFirstEpoch } from '../fakes/settled-epoch.ts'

const dir = mkdtempSync(join(tmpdir(), 'recompute-'))
const random = new Random(5)
const heir = (n: number): Hex => bytesToHex(keccak256(new TextEncoder().encode(`heir ${n}`)).subarray(0, 20))
const receipts = 12
const heirsOfReceipt = 110

let chain: LedgerChain
let rpc: RpcServer
let rpcUrl: string
let indexer: RunningIndexer
let liar: Server

beforeAll(async () => {
  chain = await LedgerChain.open()
  const methods = Object.fromEntries(
    ['eth_chainId', 'eth_getBlockByNumber', 'eth_getBlockReceipts', 'eth_getBalance', 'eth_call'].map((name) => [
      name,
      (params: readonly unknown[]) => chain.rpc.request(name, params),
    ]),
  )
  rpc = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods, log: silentLog })
  rpcUrl = `http://127.0.0.1:${await rpc.start()}`
  await settle()
  indexer = await startIndexer(
    { dataDir: join(dir, 'index'), l2Url: rpcUrl, contentDir: join(dir, 'content'), host: '127.0.0.1', port: 0 },
    { log: silentLog, clock: systemClock },
  )
  for (let i = 0; ; i++) {
    const { data } = (await ask('{ epochs { nodes { status data { state } } } }')) as {
      data: { epochs: { nodes: object[] } }
    }
    if (JSON.stringify(data.epochs.nodes[0]) === JSON.stringify({ status: 'final', data: { state: 'present' } })) break
    if (i > 300) throw new Error(`the epoch was not indexed: ${JSON.stringify(data)}`)
    await new Promise((next) => setTimeout(next, 200))
  }
}, 120_000)

afterAll(async () => {
  liar?.close()
  await indexer?.stop()
  await rpc?.stop()
  await chain?.close()
  rmSync(dir, { recursive: true, force: true })
})

async function ask(query: string): Promise<unknown> {
  const response = await fetch(`${indexer.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })
  return await response.json()
}

/** Two batches whose contributors' pools go to very many, in a final epoch. */
async function settle(): Promise<void> {
  const market = await LedgerMarket.open(chain)
  const [worker, alice] = [chain.actor('worker'), chain.actor('alice')]
  const store = new ContentStore(join(dir, 'content'), merkleRoot)
  const spent = new Map<Hex, bigint>()
  const entries = (): Plan['entries'] => {
    const heirs = [...new Set(random.list(heirsOfReceipt, () => 1 + random.int(4_000)))].sort((a, b) => a - b)
    const weights = largestRemainder(
      heirs.map(() => BigInt(1 + random.int(10_000))),
      1_000_000,
    )
    const shares = heirs.map((n, i) => ({
      ...{ payee: heir(n), id: BigInt(n), class: entryClasses.S, evidenceHash: zeroHash, weight: weights[i] ?? 0 },
    }))
    const model = {
      payee: chain.actor('model owner').address,
      id: 0n,
      class: entryClasses.M,
      evidenceHash: zeroHash,
      weight: 1_000_000,
    }
    return [model, { ...model, payee: worker.address, class: entryClasses.W }, ...shares]
  }
  const batches: { batchId: bigint; file: Uint8Array; voided: number[] }[] = []
  for (let b = 0; b < 2; b++) {
    const plans = Array.from(
      { length: receipts / 2 },
      (_, i): Plan => ({
        ...{ payer: alice, tin: random.int(3_000), tout: 1 + random.int(500), entries: entries() },
        ...{ nonce: BigInt(100 * b + i), deadline: chain.now + 86_400n },
      }),
    )
    const built = buildBatch(worker, plans, market.terms, (channel) => spent.get(channel) ?? 0n, chain.now + 600n)
    for (const { channel, fee } of built.segments) spent.set(channel, (spent.get(channel) ?? 0n) + fee)
    const file = fileOf(built)
    store.put(file)
    const { result } = await chain.send(worker, 'InferenceMarket', 'commitBatch', [
      { ...built.input, dataHash: contentHash(file) },
      built.segments,
    ])
    batches.push({ batchId: result as bigint, file, voided: [] })
  }
  const headers = await Promise.all(
    batches.map(async ({ batchId }) => (await committedBatch(chain.rpc, batchId))?.header),
  )
  chain.advance(clocks.window)
  await chain.send(worker, 'InferenceMarket', 'matureBatches', [headers])
  store.put((await settleFirstEpoch(chain, batches)).file)
}

test('1,000 random payouts of a running chain are what a script without our code makes of GraphQL and the chain', async () => {
  const found = await recomputePayouts({ graphql: `${indexer.url}/graphql`, rpc: rpcUrl }, 1_000, 3)
  expect(found.differences).toEqual([])
  expect(found).toMatchObject({ epochs: 1, receipts, compared: 1_000 })
}, 240_000)

test('the script sees a wei too much, wherever GraphQL has it', async () => {
  let change = (text: string) => text
  liar = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const { query } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { query: string }
      response.end(change(JSON.stringify(await ask(query))))
    })
  })
  await new Promise<void>((done) => liar.listen(0, '127.0.0.1', done))
  const graphql = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`
  const differencesOf = async () => (await recomputePayouts({ graphql, rpc: rpcUrl }, 3, 4)).differences
  expect(await differencesOf()).toEqual([])
  change = (text) => text.replace(/"weight":"(\d+)"/, (_, weight: string) => `"weight":"${BigInt(weight) - 1n}"`)
  expect((await differencesOf())[0]).toMatch(/^epoch 1: the payout root on chain is/)
  change = (text) => text.replace(/"fee":"(\d+)"/, (_, fee: string) => `"fee":"${BigInt(fee) + 1n}"`)
  expect((await differencesOf())[0]).toMatch(/^receipt 1:0: the fee is/)
  change = (text) => text.replace(/"amount":"(\d+)"/, (_, amount: string) => `"amount":"${BigInt(amount) + 1n}"`)
  expect((await differencesOf())[0]).toMatch(/^epoch 1, 0x[0-9a-f]{40}: \d+ wei are credited/)
  change = (text) => text.replace(/"earned":"(\d+)"/, (_, amount: string) => `"earned":"${BigInt(amount) + 1n}"`)
  expect((await differencesOf())[0]).toMatch(/: earned is/)
}, 120_000)
