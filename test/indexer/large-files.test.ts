import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claimOf } from '../../attribution/epochs/claim-proof.ts'
import { encodeEpochFile } from '../../attribution/epochs/epoch-file.ts'
import {
  creditBytes,
  creditTree,
  payoutBytes,
  payoutTree,
  setU128,
  viewOf,
} from '../../attribution/epochs/epoch-rows.ts'
import { ContentPeers } from '../../common/content-peers.ts'
import { ContentStore } from '../../common/content-store.ts'
import { silentLog } from '../../common/log.ts'
import { inlineBytesMax } from '../../indexer/content/file-thread.ts'
import { LedgerFiles } from '../../indexer/content/ledger-files.ts'
import { PayoutTrees } from '../../indexer/content/payout-trees.ts'
import { BlockWriter } from '../../indexer/store/block-writer.ts'
import type { Store } from '../../indexer/store/store.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { IndexWorld } from '../fakes/test-index.ts'

const payees = 2000
const creditsEach = 5

const payeeOf = (i: number): Hex => `0x${(i * 2_000_000).toString(16).padStart(8, '0')}${'00'.repeat(16)}`

/** An epoch over one batch: payee i has credits of 1 to 5 wei. */
function largeEpoch() {
  const credits = new Uint8Array(payees * creditsEach * creditBytes)
  const payouts = new Uint8Array(payees * payoutBytes)
  for (let i = 0; i < payees; i++) {
    viewOf(payouts).setUint32(i * payoutBytes, i * 2_000_000)
    setU128(viewOf(payouts), i * payoutBytes + 20, 15n)
    for (let k = 0; k < creditsEach; k++) {
      const at = (i * creditsEach + k) * creditBytes
      viewOf(credits).setUint32(at, i * 2_000_000)
      viewOf(credits).setUint32(at + 20, i)
      viewOf(credits).setUint32(at + 24, k)
      setU128(viewOf(credits), at + 28, BigInt(k + 1))
    }
  }
  const file = encodeEpochFile({ epoch: 1n, parentRoot: zeroHash, firstBatch: 1n, lastBatch: 1n, credits, payouts })
  const roots = {
    credits_root: bytesToHex(creditTree(credits).root),
    payout_root: bytesToHex(payoutTree(payouts).root),
  }
  return { file, roots }
}

const large = largeEpoch()
let world: IndexWorld
let store: Store
let hash: Hex

beforeEach(async () => {
  world = await IndexWorld.start()
  const index = world.open()
  await index.follow()
  store = index.store
  hash = world.content.put(large.file)
  expect(large.file.length).toBeGreaterThan(inlineBytesMax)
})

afterEach(() => world.stop())

/** Block 1, whose proposal names the file. */
function propose(): void {
  store.transaction(() => {
    const writer = new BlockWriter(store, 1, '')
    const of = { number: 1, status: 'final', parent_root: zeroHash, first_batch: 1, last_batch: 1, ...large.roots }
    writer.set('epoch', 1, { ...of, data_hash: hash, final_block: 1, block: 1, tx_hash: '0x01' })
    const batch = { receipts_before: 0, count: payees, status: 'mature', block: 1, tx_hash: '0x02' }
    writer.set('receipt_batch', 1, batch)
    writer.wantFile('epoch', 1, hash)
    const digest = writer.finish()
    store.run('insert into block values (1, ?, ?, 2, 0, 0, 0, 0, ?, ?)', '0xb1', '0xb0', '0x', digest)
  })
}

const count = (table: string) => Number(store.get(`select count(*) as n from ${table}`)?.['n'])

async function round(sleep: () => Promise<void>, signal = new AbortController().signal): Promise<void> {
  const clock = { nowMs: () => 0, sleep }
  await new LedgerFiles({ store, content: world.content, peers: undefined, clock, log: silentLog }).round(signal)
}

test('an epoch of more credits than one transaction takes becomes rows, also after a stop in the middle', async () => {
  propose()
  const stopping = new AbortController()
  await round(async () => stopping.abort(), stopping.signal)
  expect(count('credit')).toBeGreaterThan(0)
  expect(count('credit')).toBeLessThan(payees * creditsEach)
  await round(async () => {})
  expect([count('credit'), count('earning'), count('earner')]).toEqual([payees * creditsEach, payees, payees])
  expect(store.get('select state from ledger_file')).toEqual({ state: 'present' })
  expect(store.get('select * from earning where payee = ?', payeeOf(7))).toMatchObject({
    earned: '15',
    cumulative: '15',
  })
  expect(store.all('select batch, receipt, entry, amount from credit where payee = ?', payeeOf(7))).toEqual(
    Array.from({ length: creditsEach }, (_, k) => ({ batch: 1, receipt: 7, entry: k, amount: String(k + 1) })),
  )
})

test('a reorg while an epoch becomes rows leaves none of them', async () => {
  propose()
  let slices = 0
  await round(async () => {
    if (++slices === 2) store.rollbackTo(0)
  })
  expect(slices).toBe(2)
  expect([count('credit'), count('earning'), count('earner'), count('ledger_file')]).toEqual([0, 0, 0, 0])
})

test('proofs of a large epoch are made beside the queries, once', async () => {
  const trees = new PayoutTrees(world.content)
  const [first, second] = [trees.get(hash), trees.get(hash)]
  expect(await first).toBe(await second)
  expect(bytesToHex((await first)?.tree.root ?? new Uint8Array())).toBe(large.roots.payout_root)
  const rows = await first
  expect(rows && claimOf(1n, rows, payeeOf(7))).toMatchObject({ index: 7, count: payees, cumulative: 15n })
  expect(rows && claimOf(1n, rows, `0x${'ee'.repeat(20)}`)).toBeUndefined()
})

test('a file that is not here is asked of peers, kept, and asked more rarely the longer nobody has it', async () => {
  propose()
  const content = new ContentStore(join(world.dir, 'own'), merkleRoot)
  const asked: string[] = []
  let has = false
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(has ? 200 : 404).end(has ? large.file : '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const urls = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`]
  const peers = new ContentPeers({ urls, timeoutMs: 10_000 }, merkleRoot)
  let nowMs = 1_000_000
  const clock = { nowMs: () => nowMs, sleep: async () => {} }
  const files = new LedgerFiles({ store, content, peers, clock, log: silentLog })
  const never = new AbortController().signal
  for (let second = 0; second < 60; second++, nowMs += 1000) await files.round(never)
  expect(asked).toEqual(Array(asked.length).fill(`/content/${hash}`))
  expect(asked.length).toBeGreaterThan(3)
  expect(asked.length).toBeLessThan(8)
  has = true
  nowMs += 300_000
  await files.round(never)
  expect(content.get(hash)).toEqual(large.file)
  expect(count('credit')).toBe(payees * creditsEach)
  server.close()
})
