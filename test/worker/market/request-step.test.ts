import { afterEach, beforeEach, expect, test } from 'vitest'
import { batchState } from '../../../chain/ledger/batch-state.ts'
import type { LedgerBook } from '../../../chain/ledger/ledger-book.ts'
import { openRequests, requestState } from '../../../chain/ledger/open-requests.ts'
import { namedByRequest, promptFile } from '../../../chain/ledger/request-files.ts'
import { silentLog } from '../../../common/log.ts'
import { WorkerBook } from '../../../p2p/workers/registry-view.ts'
import { type Hex, zeroHash } from '../../../protocol/bytes.ts'
import { requestIdOf } from '../../../protocol/inference-request.ts'
import type { JobBook } from '../../../worker/jobs/job-book.ts'
import { Claims, claimSeconds } from '../../../worker/market/claims.ts'
import { placeOf } from '../../../worker/market/place.ts'
import { type Place, RequestStep } from '../../../worker/market/request-step.ts'
import { until } from '../../fakes/until.ts'
import { WorkerWorld } from '../../fakes/worker-world.ts'

let world: WorkerWorld
beforeEach(async () => {
  world = await WorkerWorld.open()
}, 60_000)
afterEach(() => world.close())

const signal = new AbortController().signal

/** A worker that looks for requests on chain; `rank` in place of the chain's draw. */
async function openStep(options: { readonly rank?: number; readonly isFollowed?: boolean } = {}) {
  const opened = await world.start()
  const files = new Map<Hex, Uint8Array>()
  const claims = new Claims()
  const told: Hex[] = []
  const workers = new WorkerBook('any')
  const worker = world.chain.actor('worker').address
  const register = (block: bigint) => {
    workers.apply({ kind: 'registered', worker, units: 1, block })
    workers.apply({ kind: 'staked', worker, amount: 1_000n * 10n ** 18n })
  }
  if (options.isFollowed !== false) register(0n)
  const parts = { rpc: world.chain.rpc, ledger: opened.ledger, workers, worker }
  const step = new RequestStep({
    ...{ ledger: opened.ledger, book: opened.book, desk: opened.desk, claims, log: silentLog },
    placeOf: async (request): Promise<Place | undefined> => {
      const place = await placeOf(request, parts)
      return place && { ...place, rank: options.rank ?? place.rank }
    },
    file: async (_, name) => files.get(name),
    claim: async (_, requestId) => void told.push(requestId),
  })
  /** Follows the chain and looks once. */
  const look = async () => {
    await world.follow(opened.sync)
    return await step.run(signal)
  }
  return { ...opened, step, files, claims, told, look, register }
}

/** A request of alice's, opened on chain. */
async function openRequest(prompt: readonly number[], seconds = 3_600n) {
  const { request, tokens } = world.job(prompt, { deadline: world.chain.now + seconds, maxFee: 10n ** 18n })
  await world.chain.send(world.chain.actor('alice'), 'InferenceMarket', 'open', [request], { value: request.maxFee })
  return { request, requestId: requestIdOf(request), file: promptFile(tokens) }
}

async function later(seconds: bigint): Promise<void> {
  world.chain.advance(seconds)
  await world.chain.mine()
}

/** Runs a step, building a block whenever it sent something. */
async function mined(running: Promise<boolean>): Promise<boolean> {
  let isDone = false
  const ended = running.finally(() => (isDone = true))
  while (!isDone) {
    await new Promise((next) => setTimeout(next, 5))
    const { pending } = (await world.chain.rpc.request('txpool_status', [])) as { readonly pending: string }
    if (pending !== '0x0') await world.chain.mine()
  }
  return await ended
}

const refundOf = async (): Promise<bigint> =>
  (await world.chain.read('InferenceMarket', 'refundOf', [world.chain.actor('alice').address])) as bigint

test('a request opened on chain is answered when its prompt is there, settled at once, and the rest is its payer’s', async () => {
  const { look, files, told, book, commit, sync, ledger } = await openStep()
  const { request, requestId, file } = await openRequest([1, 2, 3])
  expect(await look(), 'nobody has the prompt').toBe(false)
  expect(openRequests(ledger)).toMatchObject([{ requestId, request: { promptRoot: request.promptRoot } }])
  expect(namedByRequest(ledger, request.promptRoot)).toBe('prompt')
  files.set(request.promptRoot, file)
  await later(10n)
  expect(await look()).toBe(true)
  expect(told).toEqual([requestId])
  await until(() => book.get(requestId) !== undefined)
  expect(book.get(requestId)).toMatchObject({ state: 'made', receipt: { output: Uint32Array.of(3, 2, 1) } })
  expect(await look(), 'taken once').toBe(false)

  expect(await mined(commit.run(signal))).toBe(true)
  await world.follow(sync)
  const fee = book.get(requestId)?.receipt.receipt.fee ?? 0n
  expect(batchState(ledger, 1n)?.segments).toMatchObject([{ requestId, fee, count: 1 }])
  expect(await refundOf()).toBe(request.maxFee - fee)
  expect(requestState(ledger, requestId)).toBe('closed')
  expect(openRequests(ledger)).toEqual([])
})

test('however many requests have no prompt, one that has its own is answered, and they are looked for ever more seldom', async () => {
  const asked = new Map<Hex, number>()
  const taken: Hex[] = []
  const named = (i: number): Hex => `0x${i.toString(16).padStart(64, '0')}`
  const request = (i: number) => ({ promptRoot: named(i), sampling: { stopHash: zeroHash }, deadline: 10_000n })
  const state = { now: 1_000n, count: 1_200 }
  // What is asked of a book here.
  const ledger = {
    get head() {
      return { time: state.now }
    },
    openRequests: () =>
      Array.from({ length: state.count }, (_, i) => ({
        args: { requestId: named(i), request: request(i) },
        block: 1n,
      })),
  }
  const step = new RequestStep({
    ledger: ledger as unknown as LedgerBook,
    book: { get: () => undefined } as unknown as JobBook,
    desk: {
      take: async (_, { requestId }) => {
        taken.push(requestId)
        return (async function* () {})()
      },
    },
    ...{ claims: new Claims(), log: silentLog, claim: async () => {} },
    placeOf: async () => ({ rank: 0, openedAt: 0n }),
    file: async (_, name) => {
      asked.set(name, (asked.get(name) ?? 0) + 1)
      return name === named(1_199) ? promptFile(Uint32Array.of(1)) : undefined
    },
  })
  for (let looks = 0; looks < 60; looks++, state.now += 1n) await step.run(signal)
  expect(taken).toEqual([named(1_199)])
  expect(asked.get(named(0))).toBeLessThan(4)
})

test('the worker of rank 2 answers after two slots, and later where another says that it does', async () => {
  const { look, files, claims } = await openStep({ rank: 2 })
  const { request, requestId, file } = await openRequest([1])
  files.set(request.promptRoot, file)
  await later(15n)
  expect(await look()).toBe(false)
  claims.add(requestId, '0xbb', world.chain.now)
  await later(20n)
  expect(await look(), 'another one answers').toBe(false)
  await later(claimSeconds)
  expect(await look(), 'it did not').toBe(true)
})

test('a worker looks for its place when it has followed the registry, and has none for what was opened before it was there', async () => {
  const { look, files, register } = await openStep({ isFollowed: false })
  const { request, file } = await openRequest([1])
  files.set(request.promptRoot, file)
  expect(await look()).toBe(false)
  register(world.chain.head.number)
  expect(await look(), 'registered with the request').toBe(false)
  const later = await openRequest([2])
  files.set(later.request.promptRoot, later.file)
  expect(await look()).toBe(true)
})

test('near its deadline a request is answered whoever claims it', async () => {
  const { look, files, claims } = await openStep()
  const { request, requestId, file } = await openRequest([1], 150n)
  files.set(request.promptRoot, file)
  await world.chain.mine()
  claims.add(requestId, '0xbb', world.chain.now)
  expect(await look()).toBe(true)
})

test('what another worker settled first is not put into a batch, which would be refused whole', async () => {
  const { look, files, book, commit, sync, desk } = await openStep()
  const { request, requestId, file } = await openRequest([1])
  files.set(request.promptRoot, file)
  await look()
  await until(() => book.get(requestId) !== undefined)
  const paid = world.job([7, 8])
  await world.answer(paid, desk)
  // The one that wins is refunded here, which closes it as a rival's batch does.
  await later(3_700n)
  await world.chain.send(world.chain.actor('bob'), 'InferenceMarket', 'refund', [requestId])
  await world.follow(sync)
  await mined(commit.run(signal))
  expect(book.get(requestId)?.state).toBe('dropped')
})

test('where nobody can fetch the prompt the payer is refunded at the deadline', async () => {
  const { look, ledger, sync } = await openStep()
  const { request, requestId } = await openRequest([1], 60n)
  expect(await look()).toBe(false)
  await later(70n)
  expect(await look()).toBe(false)
  await world.chain.send(world.chain.actor('bob'), 'InferenceMarket', 'refund', [requestId])
  await world.follow(sync)
  expect(await refundOf()).toBe(request.maxFee)
  expect(requestState(ledger, requestId)).toBe('closed')
})

test('a reorg that takes a request away closes it for the worker', async () => {
  const { look, ledger, sync } = await openStep()
  const { requestId } = await openRequest([1])
  await look()
  expect(requestState(ledger, requestId)).toBe('open')
  await world.chain.reorg(2)
  await world.follow(sync)
  expect(requestState(ledger, requestId)).toBe('unknown')
  expect(await look()).toBe(false)
})
