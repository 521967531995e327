import { setMaxListeners } from 'node:events'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allEvents } from '../../chain/ledger/all-events.ts'
import { committedBatch } from '../../chain/ledger/committed-batch.ts'
import type { MoneyContract } from '../../chain/ledger/money-contracts.ts'
import type { RunningProxy } from '../../cli/proxy/proxy.ts'
import { ContentStore } from '../../common/content-store.ts'
import { baseModelFile } from '../../inference/models/base-model.ts'
import { openReceipt } from '../../node/committee/opened-answer.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { voteCommitment } from '../../protocol/committee-vote.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import type { RunningWorker } from '../../worker/worker.ts'
import { CheckingNode } from '../fakes/checking-node.ts'
import { openPrice } from '../fakes/committee-world.ts'
import type { AccountName } from '../fakes/ledger-chain.ts'
import { askProxy, ModelChain } from '../fakes/served-worker.ts'
import { coarsenWeights } from '../fakes/swapped-model.ts'

/** Class FINGERPRINT. */
const proofClass = 3
const open = 10n ** 18n
const stake = 1_000n * open
/** Seconds of the chain, of which at most five go by in one of the day: nothing here waits for a part of it. */
const window = 3_600n
const blockMs = 400
/** Blocks of one L1 block. */
const originBlocks = 6n
const salt: Hex = `0x${'5a'.repeat(32)}`

const [honest, liar] = ['worker', 'second worker'] as const
const nodeNames = ['checker', 'second checker', 'third checker', 'fourth checker', 'fifth checker'] as const
/** A member without a node, which votes as it is paid to: with whoever opens a case left out, five seats are these six's. */
const bought = 'sixth checker'
const accuser = 'third worker'

const ending = new AbortController()
setMaxListeners(200, ending.signal)
const running: Promise<unknown>[] = []
const workers = new Map<AccountName, { readonly worker: RunningWorker; readonly proxy: RunningProxy }>()

let world: ModelChain
let nodes: CheckingNode[] = []

beforeAll(async () => {
  world = await ModelChain.open(
    { challengeWindowSeconds: window, channelWithdrawalDelaySeconds: 2n * window, unbondingSeconds: 4n * window },
    [proofClass],
  )
  const { served, dir, models, clock, log } = world
  const { chain } = served
  await world.register(liar)
  for (const name of [...nodeNames, bought] as const) {
    await chain.send(chain.actor(name), 'CheckerCommittee', 'addStake', [], { value: stake })
  }
  const accounts = nodeNames.map((name) => chain.actor(name).address)
  for (const name of nodeNames) {
    const peers = nodes.slice(0, 1).map(({ url }) => url)
    const common = { models: [models], accounts, peers, clock, log }
    nodes.push(await CheckingNode.open(chain, { ...common, dir: join(dir, name), key: chain.actor(name).key }))
  }
  const checkers = await Promise.all(nodes.map(async (node) => (await node.status()).addresses[0] as string))
  for (const name of [honest, liar] as const) {
    const own = join(dir, `${name} models`)
    mkdirSync(own)
    const file = join(own, 'openledger-base.olm')
    copyFileSync(baseModelFile, file)
    const worker = await world.worker({ name, models: own, checkers, nodes: nodes.slice(0, 1).map(({ url }) => url) })
    // Behind the back of the worker, which has hashed the file and not loaded it yet.
    if (name === liar) coarsenWeights(file)
    const proxy = await world.proxy(worker, name === liar ? 'bob' : 'alice', proofClass)
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
  nodes = []
  await world?.close()
}, 60_000)

async function mineOn(): Promise<void> {
  const { chain } = world.served
  for (let block = 0n; !ending.signal.aborted; block++) {
    chain.origin = 100n + block / originBlocks
    await chain.mine()
    await new Promise((next) => setTimeout(next, blockMs))
  }
}

const addressOf = (name: AccountName) => world.served.chain.actor(name).address
const read = (contract: MoneyContract, name: string, ...args: readonly unknown[]) =>
  world.served.chain.read(contract, name, args)
const eventsOf = (contract: MoneyContract, name: string) => allEvents(world.served.chain.rpc, contract, name)

async function until<T>(what: string, look: () => Promise<T | undefined>, msMax = 240_000): Promise<T> {
  for (const end = Date.now() + msMax; Date.now() < end; await new Promise((next) => setTimeout(next, 200))) {
    const found = await look()
    if (found !== undefined) return found
  }
  throw new Error(`${what}: it did not come\n${world.lines.slice(-80).join('')}`)
}

/** Has a worker answer, and resolves to its batch's id when it stands on chain. */
async function answered(name: typeof honest | typeof liar): Promise<bigint> {
  const { proxy } = workers.get(name) as { readonly proxy: RunningProxy }
  const question = {
    ...{ model: 'openledger-base', messages: [{ role: 'user', content: 'What is a Datanet?' }] },
    ...{ max_tokens: 12, temperature: 0.8 },
  }
  await askProxy(proxy, question, world.lines)
  return await until(`a batch of ${name}`, async () => {
    const committed = await eventsOf('InferenceMarket', 'BatchCommitted')
    return committed.find(({ args }) => args['worker'] === addressOf(name))?.args['batchId'] as bigint | undefined
  })
}

type Case = { readonly id: Hex; readonly challenger: Hex; readonly seats: readonly Hex[] }

/** The case about a batch's receipt, once its seats are drawn. */
async function drawn(batchId: bigint): Promise<Case> {
  return await until(`seats of a case about batch ${batchId}`, async () => {
    const opened = (await eventsOf('CheckerCommittee', 'CaseOpened')).find(({ args }) => args['batchId'] === batchId)
    const cases = await eventsOf('CheckerCommittee', 'CaseDrawn')
    const seats = cases.find(({ args }) => args['caseId'] === opened?.args['caseId'])?.args['seats']
    if (opened === undefined || seats === undefined) return undefined
    const { caseId, challenger } = opened.args as { readonly caseId: Hex; readonly challenger: Hex }
    return { id: caseId, challenger, seats: seats as readonly Hex[] }
  })
}

/** The bought member votes where it has a seat; resolves to what was counted. */
async function played({ id, seats }: Case, boughtVote: boolean) {
  const { chain } = world.served
  const member = chain.actor(bought)
  const isSeat = seats.includes(member.address)
  const ofCase = async (name: string) =>
    (await eventsOf('CheckerCommittee', name)).filter(({ args }) => args['caseId'] === id)
  if (isSeat) {
    const commitment = voteCommitment(id, member.address, boughtVote, salt)
    await chain.send(member, 'CheckerCommittee', 'sendVote', [id, commitment])
    await until('all votes', async () => ((await ofCase('VoteSent')).length === seats.length ? true : undefined))
    await chain.send(member, 'CheckerCommittee', 'showVote', [id, boughtVote, salt])
  }
  const closed = await until('the count', async () => (await ofCase('CaseClosed'))[0]?.args)
  return { isSeat, outcome: Number(closed['outcome']), wrong: Number(closed['wrong']), right: Number(closed['right']) }
}

const stakeOf = async (name: AccountName) =>
  ((await read('WorkerRegistry', 'workers', addressOf(name))) as { readonly stake: bigint }).stake
const slashedMembers = async (id: Hex) =>
  (await eventsOf('CheckerCommittee', 'MemberSlashed'))
    .filter(({ args }) => args['reason'] === id)
    .map(({ args }) => args['member'])

test('weights of 4 bits served as the model: the nodes find it, four of five seats say so, and the worker is slashed', async () => {
  const batch = await answered(liar)
  const about = await drawn(batch)
  expect(about.seats.length).toBe(5)
  expect(about.seats).not.toContain(about.challenger)
  expect(nodeNames.map(addressOf)).toContain(about.challenger)
  expect(await played(about, false)).toEqual({ isSeat: true, outcome: 2, wrong: 4, right: 1 })
  await until('the receipt is void', async () =>
    (await read('InferenceMarket', 'isVoid', batch, 0)) ? true : undefined,
  )
  expect(await stakeOf(liar)).toBeLessThanOrEqual((stake * 9n) / 10n)
  expect(await slashedMembers(about.id)).toEqual([addressOf(bought)])
}, 400_000)

test('an honest worker that is accused keeps everything, and who accused it loses the bond', async () => {
  const { chain } = world.served
  const batch = await answered(honest)
  const committed = await committedBatch(chain.rpc, batch)
  if (committed === undefined) throw new Error('the batch is gone')
  const store = new ContentStore(join(world.dir, nodeNames[0], 'content'), merkleRoot)
  const file = await until('the file of the batch', async () => store.get(committed.header.dataHash))
  const { opened } = openReceipt(committed, file, 0)
  const before = await chain.balance(addressOf(accuser))
  await chain.send(chain.actor(accuser), 'CheckerCommittee', 'open', [opened], { value: openPrice })
  const about = await drawn(batch)
  const { isSeat, outcome, wrong, right } = await played(about, true)
  expect({ outcome, wrong, right }).toEqual({ outcome: 3, wrong: isSeat ? 1 : 0, right: isSeat ? 4 : 5 })
  expect(await slashedMembers(about.id)).toEqual(isSeat ? [addressOf(bought)] : [])
  expect(await read('InferenceMarket', 'isVoid', batch, 0)).toBe(false)
  expect(await stakeOf(honest)).toBe(stake)
  expect(before - (await chain.balance(addressOf(accuser)))).toBeGreaterThanOrEqual(open)
  expect((await eventsOf('WorkerRegistry', 'WorkerSlashed')).map(({ args }) => args['worker'])).toEqual([
    addressOf(liar),
  ])
}, 400_000)
