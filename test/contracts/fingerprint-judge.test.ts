import { beforeAll, expect, test } from 'vitest'
import {
  type Fingerprint,
  FingerprintMaker,
  fingerprintRoot,
  shownLeaf,
} from '../../inference/check/fingerprint/fingerprint.ts'
import { fingerprintKinds } from '../../inference/float/float-engine.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { batchHash } from '../../protocol/receipt-batch.ts'
import { CommitteeWorld } from '../fakes/committee-world.ts'
import { open } from '../fakes/money-chain.ts'
import { randomNumbers } from '../fakes/random-model.ts'

/** Three leaves, the last of them short. */
const positions = 1_100
let world: CommitteeWorld
let fingerprint: Fingerprint
beforeAll(async () => {
  world = await CommitteeWorld.create(5)
  const random = randomNumbers(4)
  const maker = new FingerprintMaker(fingerprintKinds.state)
  for (let i = 0; i < positions; i++) {
    const state = Float64Array.from({ length: 16 }, () => random() - 0.5)
    maker.add({ logits: new Float64Array(0), state })
  }
  fingerprint = maker.finish()
}, 60_000)

const trial = <T>(act: () => Promise<T>): Promise<T> => world.money.chain.trial(act)

async function asked(index: number) {
  const { money, challenger } = world
  const batch = await world.settle(1, fingerprintRoot(fingerprint), positions)
  const opened = money.openedReceipt(batch, 0)
  const price = (await money.chain.read('FingerprintJudge', 'answerPrice')) as bigint
  const send = { value: price }
  const { events } = await money.chain.send(challenger, 'FingerprintJudge', 'requestFingerprint', [opened, index], send)
  const id = events.find(({ name }) => name === 'FingerprintRequested')?.args['demandId'] as Hex
  return { batch, opened, id, price }
}

const missing = async ({ batch, opened }: Awaited<ReturnType<typeof asked>>, index: number) => {
  const args = [opened, batch.built.segments, index]
  return await world.money.chain.send(world.challenger, 'DisputeGame', 'fingerprintMissing', args)
}

test.each([0, 1, 2])('leaf %i is shown, its price covers it, and its receipt stands', (index) =>
  trial(async () => {
    const { chain } = world.money
    const demand = await asked(index)
    const before = chain.balance(world.worker)
    const { gas } = await chain.send(world.worker, 'FingerprintJudge', 'serveFingerprint', [
      demand.id,
      ...shownLeaf(fingerprint, index),
    ])
    expect(gas).toBeLessThan(420_000n)
    expect(chain.balance(world.worker)).toBe(before + demand.price)
    chain.advance(15)
    const args = [demand.opened, demand.batch.built.segments, index]
    expect((await chain.fails(world.challenger, 'DisputeGame', 'fingerprintMissing', args)).error).toBe('AlreadyServed')
  }),
)

test('what is not shown in time voids the receipt, the worker loses a tenth of his stake, the price comes back', () =>
  trial(async () => {
    const { chain } = world.money
    const demand = await asked(1)
    const args = [demand.opened, demand.batch.built.segments, 1]
    expect((await chain.fails(world.challenger, 'DisputeGame', 'fingerprintMissing', args)).error).toBe('AnswerNotDue')
    chain.advance(14)
    const late = [demand.id, ...shownLeaf(fingerprint, 1)]
    expect((await chain.fails(world.worker, 'FingerprintJudge', 'serveFingerprint', late)).error).toBe('AnswerLate')
    const { events } = await missing(demand, 1)
    expect(events.find(({ name }) => name === 'ReceiptDisputed')?.args['fault']).toBe(8)
    const slash = events.find(({ name }) => name === 'WorkerSlashed')?.args['amount'] as bigint
    expect(slash >= 100n * open).toBe(true)
    const before = chain.balance(world.challenger)
    await chain.send(world.challenger, 'FingerprintJudge', 'returnPrepaid', [demand.id])
    expect(chain.balance(world.challenger)).toBe(before + demand.price)
    expect(chain.balance('FingerprintJudge')).toBe(0n)
  }))

test('another leaf, kind, width, root or byte is not what the receipt commits to', () =>
  trial(async () => {
    const { chain } = world.money
    const { id } = await asked(1)
    const [kind, width, root, leaf, siblings] = shownLeaf(fingerprint, 1) as [number, number, Hex, Hex, Hex[]]
    const refused = async (...args: readonly unknown[]) =>
      (await chain.fails(world.worker, 'FingerprintJudge', 'serveFingerprint', [id, ...args])).error
    expect(await refused(1, width, root, leaf, siblings)).toBe('NotCommitted')
    expect(await refused(kind, width + 1, root, leaf, siblings)).toBe('NotCommitted')
    expect(await refused(kind, width, id, leaf, siblings)).toBe('NotCommitted')
    expect(await refused(kind, width, root, `${leaf.slice(0, -2)}00`, siblings)).toBe('WrongRun')
    expect(await refused(...shownLeaf(fingerprint, 2))).toBe('WrongRun')
    expect(await refused(kind, width, root, `0x${'00'.repeat(4_161)}`, siblings)).toBe('LeafTooLong')
  }))

test('what cannot be asked: of another class, behind the last leaf, twice, too cheap, too late', () =>
  trial(async () => {
    const { money, challenger } = world
    const ask = async (opened: unknown, index: number, value: bigint) =>
      (await money.chain.fails(challenger, 'FingerprintJudge', 'requestFingerprint', [opened, index], { value })).error
    const { opened, price, batch } = await asked(0)
    expect(await ask(opened, 0, price)).toBe('AlreadyRequested')
    expect(await ask(opened, 3, price)).toBe('NoSuchLeaf')
    expect(await ask(opened, 1, price - 1n)).toBe('PrepaidTooSmall')
    const exact = await world.settle(1, fingerprintRoot(fingerprint), positions, 1)
    expect(await ask(money.openedReceipt(exact, 0), 0, price)).toBe('NoFingerprint')
    money.chain.advance(8)
    expect(await ask(opened, 1, price)).toBe('RequestsClosed')
    const id = await money.chain.read('FingerprintJudge', 'demandIdOf', [bytesToHex(batchHash(batch.header)), 0, 9])
    expect((await money.chain.fails(challenger, 'FingerprintJudge', 'returnPrepaid', [id])).error).toBe('NotRequested')
  }))
