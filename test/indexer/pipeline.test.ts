import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { FiledWorld } from '../fakes/filed-world.ts'
import { stake } from '../fakes/standing-model.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'

let world: IndexWorld
let index: TestIndex
let money: FiledWorld
let [worker, alice, bob]: Hex[] = []

/** Two final epochs, of which the worker claimed the first; an epoch that can be challenged; a batch that is not mature. */
beforeAll(async () => {
  world = await IndexWorld.start()
  money = await FiledWorld.watchedBy(world)
  const [actor, payer] = [money.chain.actor('worker'), money.chain.actor('payer')]
  ;[worker, alice, bob] = [actor, money.chain.actor('alice'), money.chain.actor('bob')].map(({ address }) => address)
  await stake(money.chain, actor)
  await money.deposit(payer, actor, 10n ** 18n)
  const share = (payee: Hex | undefined, id: bigint, weight: number) => ({
    ...{ payee: payee ?? '0x', id, class: entryClasses.S, evidenceHash: zeroHash, weight },
  })
  const commit = async (...outputs: readonly number[]) => {
    const contributors = [share(alice, 1n, 333_333), share(bob, 2n, 666_667)]
    const plans = outputs.map((tout) => money.plan(payer, actor, 101, tout, contributors))
    return (await money.commit(actor, money.build(actor, plans))).batch
  }
  const first = await money.settle([await commit(50, 30), await commit(7)])
  await money.claim(actor, first)
  await money.settle([await commit(11)])
  await commit(40)
  money.show()
  index = world.open()
  await index.follow()
  await index.fetchFiles()
}, 60_000)

afterAll(() => world.stop())

const ask = async (query: string) => {
  const { data, errors } = await index.ask(query)
  expect(errors).toBeUndefined()
  return data
}

describe('the pipeline', () => {
  test('goes from the training record to the claim and back by every link', async () => {
    const { model } = await ask(`{ model(id: 1) { versions { nodes { receipts(first: 1) { totalCount nodes {
      batch { id receipts { nodes { index } } } version { version receipts(first: 1) { nodes { requestId } } } requestId price { priceVersion } request { id }
      epoch { number batches { nodes { id epoch { number } } } }
      credits { nodes { amount entry { class credit { amount } receipt { requestId } } epoch { number } claim { payee epochNumber } } }
    } } } } } }`)
    const [version] = model.versions.nodes
    expect(version.receipts.totalCount).toBe(5)
    const [receipt] = version.receipts.nodes
    expect(receipt.version.receipts.nodes).toEqual([{ requestId: receipt.requestId }])
    expect(receipt).toMatchObject({
      price: { priceVersion: 1 },
      request: null,
      batch: { id: '1' },
      epoch: { number: '1' },
    })
    expect(receipt.epoch.batches.nodes).toEqual(['1', '2'].map((id) => ({ id, epoch: { number: '1' } })))
    expect(receipt.credits.nodes).toHaveLength(4)
    for (const { amount, entry, epoch, claim } of receipt.credits.nodes) {
      expect(entry).toMatchObject({ credit: { amount }, receipt: { requestId: receipt.requestId } })
      expect(epoch.number).toBe('1')
      expect(claim).toEqual(entry.class === 'W' ? { payee: worker, epochNumber: '1' } : null)
    }
  })

  test('a claim names the credits that it paid, its epoch the claim', async () => {
    const { claims } = await ask(
      '{ claims { nodes { amount epoch { number claims { nodes { payee } } } earner { claimed } credits { totalCount nodes { amount payee } } } } }',
    )
    const [claim] = claims.nodes
    expect(claim.epoch).toEqual({ number: '1', claims: { nodes: [{ payee: worker }] } })
    expect(claim.earner.claimed).toBe(claim.amount)
    expect(claim.credits.totalCount).toBe(3)
    const sum = claim.credits.nodes.reduce((all: bigint, { amount }: { amount: string }) => all + BigInt(amount), 0n)
    expect(String(sum)).toBe(claim.amount)
  })

  test('what is missing is INCOMPLETE, by name', async () => {
    const { receipts, batches } =
      await ask(`{ receipts { nodes { batch { id } pipeline { state links { stage state missing } } } }
      batches { nodes { id pipeline { state links { stage missing } } } } }`)
    const missing = (id: string) =>
      receipts.nodes
        .find(({ batch }: { batch: { id: string } }) => batch.id === id)
        .pipeline.links.map(({ stage, missing: why }: Record<string, string>) => [stage, why])
    const training = ['training', 'model 1 names neither Datanets that it was trained on nor indexes']
    const unknown = '2 contributions of its entries are not indexed, the first is 1'
    const there = [training, ['receipt', null], ['entries', unknown]]
    expect(missing('1')).toEqual([
      ...there,
      ['batch', null],
      ['epoch', null],
      ['claim', '3 of 4 payees claimed nothing since epoch 1'],
    ])
    expect(missing('3').at(-1)).toEqual(['claim', '4 of 4 payees claimed nothing since epoch 2'])
    const early = 'batch 4 is committed: it is in no epoch'
    expect(missing('4')).toEqual([...there, ...['batch', 'epoch', 'claim'].map((stage) => [stage, early])])
    expect(batches.nodes.map(({ pipeline }: { pipeline: { state: string } }) => pipeline.state)).toEqual([
      ...['COMPLETE', 'COMPLETE', 'COMPLETE', 'INCOMPLETE'],
    ])
  })

  test('without its file a batch says so, and an explanation of its credits is INCOMPLETE', async () => {
    const bare = world.open('without files')
    await bare.follow()
    const { data } = await bare.ask(
      `{ batches(first: 1) { nodes { pipeline { links { stage missing } } } } explain(payout: "1:${alice}") { state missing amount } }`,
    )
    expect(data.batches.nodes[0].pipeline.links[0]).toEqual({
      stage: 'receipt',
      missing: 'the data file of batch 1 is missing',
    })
    expect(data.explain).toMatchObject({ state: 'INCOMPLETE', missing: ['the data of epoch 1'], amount: '0' })
  })

  test('the past is answered as its block left it', async () => {
    const { epochs } = await ask('{ epochs(first: 1) { nodes { blockNumber } } }')
    const missingAt = async (block: number) => {
      const { receipt } = await ask(
        `{ receipt(batch: 1, index: 0, block: { number: ${block} }) { pipeline { links { missing } } } }`,
      )
      return receipt.pipeline.links.at(-1).missing
    }
    const { blockNumber } = epochs.nodes[0]
    expect(await missingAt(blockNumber - 1)).toBe('batch 1 is committed: it is in no epoch')
    expect(await missingAt(blockNumber)).toBe('epoch 1 is proposed: it can still be challenged')
  })
})

describe('explain', () => {
  const query = (payout: string) =>
    `{ explain(payout: "${payout}") { amount state missing differences receiptCount figures { name recomputed onChain }
      receipts { batchId index figures { name recomputed onChain } entries { class weight amount { formula recomputed onChain } } } } }`

  test('recomputes every payout to the wei', async () => {
    const { epochs, payees } = await ask(
      '{ epochs { nodes { number } } payees { nodes { credits { nodes { amount epoch { number } } } } } credits { nodes { payee } } }',
    )
    expect(epochs.nodes).toHaveLength(2)
    const { credits } = await ask('{ credits(first: 100) { nodes { payee amount epoch { number } } } }')
    const all = [...new Set(credits.nodes.map(({ payee }: { payee: string }) => payee))] as string[]
    expect(all).toHaveLength(payees.nodes.length)
    for (const payee of all) {
      for (const number of ['1', '2']) {
        const { explain } = await ask(query(`${number}:${payee}`))
        expect(explain).toMatchObject({ state: 'COMPLETE', missing: [], differences: [] })
        const own = credits.nodes.filter(
          (each: { payee: string; epoch: { number: string } }) => each.payee === payee && each.epoch.number === number,
        )
        expect(explain.amount).toBe(
          String(own.reduce((sum: bigint, { amount }: { amount: string }) => sum + BigInt(amount), 0n)),
        )
      }
    }
  })

  test('shows formulas with rounding and asks for nothing that is not there', async () => {
    const { explain } = await ask(query(`1:${alice}:S`))
    expect(explain.receiptCount).toBe(3)
    expect(explain.receipts[0].entries[0].amount.formula).toMatch(
      /^⌊contributors \d+ · 333333 \/ 1000000⌋, rest \d+\/1000000 wei$/,
    )
    expect((await ask(query(`1:${alice}:G`))).explain).toMatchObject({ amount: '0', receipts: [] })
    expect((await ask(query(`9:${alice}`))).explain).toBeNull()
    const { errors } = await index.ask(query('everything'))
    expect(errors?.[0]).toMatchObject({ extensions: { code: 'BAD_INPUT' } })
  })

  test('a row that is not what the formula gives is told', async () => {
    const bare = world.open('changed')
    await bare.follow()
    await bare.fetchFiles()
    bare.store.run(
      'update credit set amount = cast(amount as integer) + 1 where payee = ? and proposal = 1 and batch = 2',
      alice ?? '',
    )
    bare.store.run("update receipt set stakers = '1' where batch = 2")
    const { data } = await bare.ask(query(`1:${alice}`))
    expect(data.explain.state).toBe('INCOMPLETE')
    expect(data.explain.differences.map((line: string) => line.replace(/ is .*/, ''))).toEqual([
      ...['payout: credited', 'receipt 2:0: stakers', 'receipt 2:0 entry 2: amount'],
    ])
  })
})
