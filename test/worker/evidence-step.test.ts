import { mkdirSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { BatchFacts } from '../../attribution/epochs/batch-facts.ts'
import { decodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import type { BatchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { OpenBatch } from '../../attribution/epochs/batch-trees.ts'
import { KnownBatch } from '../../attribution/epochs/known-batch.ts'
import type { Contribution } from '../../attribution/epochs/receipt-entries.ts'
import { SpanThread } from '../../attribution/indexes/span-thread.ts'
import { encodeIndexFile } from '../../attribution/suffix/index-file.ts'
import { batchState } from '../../chain/ledger/batch-state.ts'
import { ChainFacts } from '../../chain/ledger/chain-facts.ts'
import type { Content } from '../../chain/ledger/content.ts'
import { callContract } from '../../chain/ledger/l2-calls.ts'
import { type ModelTerms, modelTerms } from '../../chain/ledger/model-terms.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'
import { silentLog } from '../../common/log.ts'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { contributionsOfDead } from '../../worker/attribute/contributions.ts'
import type { JobBook } from '../../worker/jobs/job-book.ts'
import { CommitStep, type IndexSets } from '../../worker/settle/commit-step.ts'
import { EvidenceStep } from '../../worker/settle/evidence-step.ts'
import { receiptsOf } from '../fakes/file-batch.ts'
import { SpanMarket, spanAnswer } from '../fakes/span-market.ts'
import { WatchedChain } from '../fakes/watched-chain.ts'

let world: WatchedChain
let market: SpanMarket
let spans: SpanThread
const signal = new AbortController().signal

beforeEach(async () => {
  world = await WatchedChain.open({ bare: true })
  market = await SpanMarket.open(world.chain, world.chain.rpc)
  mkdirSync(world.indexes.dir, { recursive: true })
  writeFileSync(world.indexes.path(market.index.id), encodeIndexFile(market.index))
  spans = new SpanThread(world.indexes.dir)
}, 60_000)
afterEach(async () => {
  await spans.close()
  await world.close()
}, 60_000)

/** Sends as the worker, a block a transaction. */
function workerSender() {
  const worker = world.chain.actor('worker')
  const send = async ({ contract, functionName, args, value = 0n }: MoneyCall) => {
    const { block, txHash } = await world.chain.send(worker, contract, functionName, args, { value })
    return { block: block.number, txHash }
  }
  return { address: worker.address, send }
}

const content = () => ({ own: async (hash: Hex) => world.files.get(hash) }) as unknown as Content
const terms = async (modelVersion: Hex): Promise<ModelTerms> => {
  const found = await modelTerms(world.chain.rpc, modelVersion)
  if (found === undefined) throw new Error('no such model')
  return found
}

test('evidence of an honest answer that somebody asks for is shown, so that the answer stands', async () => {
  const { batchId, file } = await market.settle([
    { text: spanAnswer, model: 2 },
    { text: spanAnswer, model: 1 },
  ])
  world.publish(file)
  await world.follow()
  const step = new EvidenceStep({
    ...{ rpc: world.chain.rpc, ledger: world.book, content: content(), spans, terms, sender: workerSender() },
    evidenceV2: async () => new Uint8Array(),
    log: silentLog,
  })
  expect(await step.run(signal)).toBe(false)
  const state = batchState(world.book, batchId)
  if (state === undefined) throw new Error('no batch')
  const batch = new KnownBatch(state.header, state.segments, new OpenBatch(state.header, decodeBatchFile(file)), {})
  const place = batch.entries(1, receiptsOf(file)[1]?.receipt ?? never()).tree.count - 1
  const args = [batch.openReceipt(1), batch.openEntry(1, place)]
  await world.chain.send(world.chain.actor('bob'), 'EvidenceDemands', 'requestEvidence', args, { value: 10n ** 18n })
  await world.follow()
  expect(await step.run(signal)).toBe(true)
  await world.follow()
  const [asked] = world.book.events('EvidenceRequested')
  const call = { contract: 'EvidenceDemands', functionName: 'demandOf', args: [asked?.args['demandId']] } as const
  expect(await callContract(world.chain.rpc, call)).toMatchObject({ isServed: true })
  expect(await step.run(signal)).toBe(false)
})

test('an answer that is settled after an index of its model died goes to the units; about the moment it dies or comes back it waits', async () => {
  const { receipts } = await market.settle([{ text: spanAnswer, model: 1 }])
  await world.follow()
  const now = world.book.head?.time ?? 0n
  const committed = async (from: bigint, until = 2n ** 64n): Promise<readonly Contribution[] | undefined> => {
    let file: Uint8Array | undefined
    const sets: IndexSets = {
      isDeadAt: async (_, time) => time >= from && time < until,
      contributionsOfDead: async (version) => contributionsOfDead(await terms(version), spans),
      contributionsV2: async () => [],
    }
    const jobs = receipts.map((receipt) => ({ requestId: receipt.receipt.requestId, receipt, state: 'made' }))
    const book = { unsettled: () => jobs, batched: () => new Map(), move: () => {} } as unknown as JobBook
    const facts = new ChainFacts({ rpc: world.chain.rpc, chainId: 901n, earlierReceipt: async () => undefined })
    const store = { put: async (_: Hex, bytes: Uint8Array) => (file = bytes) } as unknown as Content
    const sender = {
      address: world.chain.actor('worker').address,
      send: async () => ({ txHash: '0x' as Hex, block: 1n }),
    }
    const step = new CommitStep(
      { intervalSeconds: 0n, marginSeconds: 0n },
      { ...{ book, ledger: world.book, facts, sets, content: store, sender }, log: silentLog },
    )
    // What waits is not looked at again at once.
    expect(await step.run(signal)).toBe(file !== undefined)
    return file && receiptsOf(file)[0]?.entries.filter((entry) => entry.class >= entryClasses.S)
  }
  const classes = async (...dead: readonly [bigint, bigint?]) => (await committed(...dead))?.map((entry) => entry.class)
  const { S, U } = entryClasses
  expect(await classes(2n ** 64n)).toEqual([S, S, U])
  expect(await classes(now + 1_000n)).toEqual([S, S, U])
  expect(await classes(now + 60n)).toBeUndefined()
  expect(await classes(now)).toEqual([U])
  expect(await classes(0n, now), 'it came back').toEqual([S, S, U])
  expect(await classes(0n, now + 60n), 'it comes back soon').toBeUndefined()
  expect(await classes(0n, now + 1_000n), 'it comes back later').toEqual([U])
  const { evidenceHash } = await spans.attribute([market.index.id], new Uint32Array())
  expect((await committed(now))?.[0]?.evidenceHash).toBe(evidenceHash)
})

const chainFacts = () => new ChainFacts({ rpc: world.chain.rpc, chainId: 901n, earlierReceipt: async () => undefined })

/** Until when the batch may be mined that a worker sends of these answers at a time; undefined where it sends none. */
async function sentAt(
  time: bigint,
  receipts: readonly BatchReceipt[],
  facts: BatchFacts = chainFacts(),
): Promise<bigint | undefined> {
  const bob = world.chain.actor('bob')
  world.chain.advance(time - world.chain.now)
  await world.chain.send(bob, 'RoyaltyVault', 'setRecipient', [bob.address])
  await world.follow()
  let notAfter: bigint | undefined
  const jobs = receipts.map((receipt) => ({ requestId: receipt.receipt.requestId, receipt, state: 'made' }))
  const sets = { isDeadAt: async () => false } as unknown as IndexSets
  const step = new CommitStep(
    { intervalSeconds: 0n, marginSeconds: 0n },
    {
      ...{ ledger: world.book, sets, log: silentLog, content: { put: async () => {} } as unknown as Content },
      book: { unsettled: () => jobs, batched: () => new Map(), move: () => {} } as unknown as JobBook,
      facts,
      sender: {
        address: world.chain.actor('worker').address,
        send: async ({ args }: MoneyCall) => {
          notAfter = (args[0] as { readonly notAfter: bigint }).notAfter
          return { txHash: '0x' as Hex, block: 1n }
        },
      },
    },
  )
  await step.run(signal)
  return notAfter
}

test('a batch is mined before the payees of the day change, or is sent after it', async () => {
  const { receipts } = await market.settle([{ text: spanAnswer, model: 1 }])
  const midnight = (world.chain.now / 86_400n + 1n) * 86_400n
  const early = midnight - 1_000n
  const committed = await sentAt(early, receipts)
  expect(committed).toBeGreaterThanOrEqual(early + 100n)
  expect(committed).toBeLessThan(midnight)
  expect(await sentAt(midnight - 60n, receipts)).toBe(midnight - 1n)
  expect(await sentAt(midnight - 10n, receipts)).toBeUndefined()
})

test('about the moment from which a dispute holds back what a contribution earns its answers wait', async () => {
  const { receipts } = await market.settle([{ text: spanAnswer, model: 1 }])
  const from = world.chain.now + 1_000n
  const facts: BatchFacts = Object.assign(chainFacts(), {
    contributionPayee: async (id: bigint, time: bigint) =>
      time < from ? await chainFacts().contributionPayee(id, time) : world.chain.actor('attributor').address,
  })
  expect(await sentAt(from - 300n, receipts, facts)).toBeDefined()
  expect(await sentAt(from - 60n, receipts, facts)).toBeUndefined()
  expect(await sentAt(from + 1n, receipts, facts)).toBeDefined()
})

function never(): never {
  throw new Error('no such receipt')
}
