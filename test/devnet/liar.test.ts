import { setMaxListeners } from 'node:events'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allEvents } from '../../chain/ledger/all-events.ts'
import { committedBatch } from '../../chain/ledger/committed-batch.ts'
import type { RunningProxy } from '../../cli/proxy/proxy.ts'
import { baseModelFile } from '../../inference/models/base-model.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { RunningWorker } from '../../worker/worker.ts'
import { CheckingNode } from '../fakes/checking-node.ts'
import type { AccountName } from '../fakes/ledger-chain.ts'
import { askProxy, ModelChain } from '../fakes/served-worker.ts'
import { swapWeight } from '../fakes/swapped-model.ts'

/** Epochs that are paid; the full trial is 10. */
const epochs = Number(process.env['OPENLEDGER_EPOCHS'] ?? 2)
/** Seconds of the chain, which go by ten times as fast as those of the day: a quarrel asks its questions in the first third. */
const window = 3_600n
const blockMs = 200
const stake = 1_000n * 10n ** 18n

const names = ['worker', 'second worker', 'third worker'] as const
const [, , liar] = names
/** Each worker's payer. */
const payers: Readonly<Record<(typeof names)[number], AccountName>> = {
  worker: 'alice',
  'second worker': 'bob',
  'third worker': 'model owner',
}

const ending = new AbortController()
setMaxListeners(100, ending.signal)
const running: Promise<unknown>[] = []
const workers = new Map<AccountName, { readonly worker: RunningWorker; readonly proxy: RunningProxy }>()

let world: ModelChain
let nodes: readonly CheckingNode[] = []
let settling: CheckingNode

beforeAll(async () => {
  world = await ModelChain.open({
    ...{ challengeWindowSeconds: window, channelWithdrawalDelaySeconds: 2n * window, unbondingSeconds: 4n * window },
  })
  const { served, dir, models, clock, log } = world
  const { chain } = served
  for (const name of names.slice(1)) await world.register(name)
  const key = (name: AccountName) => chain.actor(name).key
  const accounts = (['checker', 'second checker'] as const).map((name) => chain.actor(name).address)
  const common = { accounts, models: [models], clock, log }
  settling = await CheckingNode.open(chain, {
    ...{ ...common, dir: join(dir, 'settling'), key: key('checker') },
    roles: {
      attributor: { key: key('attributor'), epochIntervalSeconds: 1, claimThreshold: 1n },
      watcher: { key: key('watcher') },
    },
  })
  const second = await CheckingNode.open(chain, {
    ...{ ...common, dir: join(dir, 'second'), key: key('second checker'), peers: [settling.url] },
  })
  nodes = [settling, second]
  const checkers = await Promise.all(nodes.map(async (node) => (await node.status()).addresses[0] as string))
  for (const name of names) {
    const own = join(dir, `${name} models`)
    mkdirSync(own)
    copyFileSync(baseModelFile, join(own, 'openledger-base.olm'))
    const worker = await world.worker({ name, models: own, checkers, nodes: [settling.url] })
    if (name === liar) swapWeight(join(own, 'openledger-base.olm'))
    const proxy = await world.proxy(worker, payers[name])
    running.push(worker.run(ending.signal), proxy.run(ending.signal))
    workers.set(name, { worker, proxy })
  }
  running.push(mineOn())
}, 240_000)

afterAll(async () => {
  ending.abort(new Error('the test is over'))
  await Promise.allSettled(running)
  for (const { worker, proxy } of workers.values()) {
    await proxy.close()
    await worker.close()
  }
  await Promise.all(nodes.map((node) => node.close()))
  await world?.close()
}, 60_000)

async function mineOn(): Promise<void> {
  while (!ending.signal.aborted) {
    await world.served.chain.mine()
    await new Promise((next) => setTimeout(next, blockMs))
  }
}

const read =
  (contract: 'InferenceMarket' | 'AttributionLedger' | 'WorkerRegistry' | 'RoyaltyVault', name: string) =>
  (...args: readonly unknown[]) =>
    world.served.chain.read(contract, name, args)
const addressOf = (name: AccountName) => world.served.chain.actor(name).address

async function until(what: string, isSo: () => Promise<boolean>, msMax = 180_000): Promise<void> {
  for (const end = Date.now() + msMax; Date.now() < end; await new Promise((next) => setTimeout(next, 100))) {
    if (await isSo()) return
  }
  throw new Error(`${what}: it did not come\n${world.lines.slice(-60).join('')}`)
}

async function ask(name: AccountName, epoch: number): Promise<Hex> {
  const proxy = workers.get(name)?.proxy as RunningProxy
  const question = {
    ...{ model: 'openledger-base', messages: [{ role: 'user', content: `What is ${epoch} plus 2?` }] },
    ...{ max_tokens: 8, temperature: 0 },
  }
  return ((await askProxy(proxy, question, world.lines)) as { openledger: { requestId: Hex } }).openledger.requestId
}

/** Resolves to what each node found about a request. */
async function verdicts(requestId: Hex): Promise<string[]> {
  const found = new Map<CheckingNode, string>()
  await until(`verdicts on ${requestId}`, async () => {
    for (const node of nodes) {
      const [told] = await node.checked(requestId)
      if (told !== undefined) found.set(node, told.result)
    }
    return found.size === nodes.length
  })
  return [...found.values()]
}

/** Worker of each batch, and whether its receipts are void. */
async function batches(): Promise<{ readonly worker: Hex; readonly isVoid: readonly unknown[] }[]> {
  const { rpc } = world.served.chain
  const count = (await read('InferenceMarket', 'batchCount')()) as bigint
  return await Promise.all(
    Array.from({ length: Number(count) }, async (_, i) => {
      const id = BigInt(i + 1)
      const { header } = (await committedBatch(rpc, id)) ?? { header: { worker: '0x' as Hex, count: 0 } }
      const receipts = Array.from({ length: header.count }, (_, k) => read('InferenceMarket', 'isVoid')(id, k))
      return { worker: header.worker, isVoid: await Promise.all(receipts) }
    }),
  )
}

test(`three workers of which one lies, ${epochs} epochs: the liar is slashed, and nobody else`, async () => {
  const { chain } = world.served
  const finalEpoch = async () => Number(await read('AttributionLedger', 'finalEpoch')())
  let [isCaught, honestAnswers] = [false, 0]
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const honest = await Promise.all(names.slice(0, 2).map((name) => ask(name, epoch)))
    honestAnswers += honest.length
    if (!isCaught) {
      expect(await verdicts(await ask(liar, epoch))).toEqual(['unit', 'unit'])
      await until(
        'the liar is slashed',
        async () => (await allEvents(chain.rpc, 'WorkerRegistry', 'WorkerSlashed')).length > 0,
      )
      isCaught = true
    }
    for (const requestId of honest) expect(await verdicts(requestId)).toEqual(['sound', 'sound'])
    // Nothing is in question any more: the receipts' window and the epoch's pass at once.
    chain.advance(window)
    await until(
      `epoch ${epoch} is proposed`,
      async () => Number(await read('AttributionLedger', 'lastEpoch')()) >= epoch,
    )
    chain.advance(window)
    await until(`epoch ${epoch} is final`, async () => (await finalEpoch()) >= epoch)
  }

  const slashes = await allEvents(chain.rpc, 'WorkerRegistry', 'WorkerSlashed')
  expect(new Set(slashes.map(({ args }) => args['worker']))).toEqual(new Set([addressOf(liar)]))
  const all = await batches()
  expect(all.filter(({ worker }) => worker === addressOf(liar)).flatMap(({ isVoid }) => isVoid)).toEqual([true])
  const kept = all.filter(({ worker }) => worker !== addressOf(liar)).flatMap(({ isVoid }) => isVoid)
  expect(kept).toEqual(Array.from({ length: honestAnswers }, () => false))
  for (const name of names) {
    const worker = (await read('WorkerRegistry', 'workers')(addressOf(name))) as { stake: bigint; jailed: boolean }
    const [claimed] = (await read('RoyaltyVault', 'payees')(addressOf(name))) as readonly [bigint]
    expect({ name, jailed: worker.jailed, isWhole: worker.stake === stake, isPaid: claimed > 0n }).toEqual({
      ...{ name, jailed: name === liar, isWhole: name !== liar, isPaid: name !== liar },
    })
  }
}, 1_200_000)
