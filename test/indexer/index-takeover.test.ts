import { afterAll, beforeAll, expect, test } from 'vitest'
import { itemTree } from '../../attribution/suffix/item-tree.ts'
import { answeredBy } from '../../indexer/graphql/answer-facts.ts'
import { escrows } from '../../indexer/store/escrows.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import { FiledWorld } from '../fakes/filed-world.ts'
import { heldOf, itemsOf, openerOf } from '../fakes/held-index.ts'
import { permissive } from '../fakes/licences.ts'
import { type Actor, type MoneyChain, open, Reverted } from '../fakes/money-chain.ts'
import { Random } from '../fakes/random.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'
import { addingDiff, noRoots } from '../fakes/version-diff.ts'

const bond = 100n * open
const [day, notice] = [86_400, 30 * 86_400]
const { index: published } = openerOf(heldOf(3))

let world: IndexWorld
let chain: MoneyChain
let index: TestIndex
let model: bigint
/** When a batch might have been committed, and whether the index counted for nothing then. */
const judged: (readonly [time: bigint, isDead: boolean])[] = []

/** Publishing, retiring, taking over and paying back, rightly or not, in an order that a seed draws. */
beforeAll(async () => {
  world = await IndexWorld.start()
  const money = await FiledWorld.watchedBy(world)
  chain = money.chain
  const owner = chain.actor('datanet owner')
  const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
  const created = await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, word(2), 0n, word(3)])
  const items = itemsOf(heldOf(3))
  const roots = { ...noRoots, itemsRoot: itemTree(items).root }
  await chain.send(owner, 'DatanetRegistry', 'publish', [created.result, roots, addingDiff(items.length)])
  const record = { ...published.record, datanet: created.result as bigint }
  const people = ['first', 'second', 'third'].map((name) => chain.actor(name))
  const [first] = people as [Actor]
  const { result: id } = await chain.send(first, 'IndexRegistry', 'publish', [record], { value: bond })
  const version = { weightsManifest: word(4), configHash: word(5), trainingRoot: word(6), indexIds: [id] }
  const params = { kind: 0, verifyClasses: 0x3f, licenceId: permissive, version }
  model = (await chain.send(first, 'ModelRegistry', 'register', [params, [], []])).result as bigint
  const random = new Random(11)
  for (let step = 0; step < 60; step++) {
    const who = random.pick(people)
    const [name, args, value] = random.pick([
      ['publish', [record], bond],
      ['retire', [id], 0n],
      ['returnBond', [id, who.address], 0n],
    ] as const)
    try {
      await chain.send(who, 'IndexRegistry', name, args, { value })
    } catch (error) {
      if (!(error instanceof Reverted)) throw error
    }
    judged.push([chain.now, (await chain.read('IndexRegistry', 'isDeadAt', [id, chain.now])) as boolean])
    chain.advance(random.pick([2, day / 2, 3 * day, notice - day, notice, 2 * notice]))
  }
  money.show()
  index = await world.followed()
}, 120_000)

afterAll(() => world.stop())

test('the index says who answers for a text index now, which bonds are kept, and that the registry holds them', async () => {
  const { textIndexes } = await index.data(`{ textIndexes { nodes {
    id publisher bond deadFrom lapses { from until } formerBonds { nodes { publisher amount freeFrom } }
  } } }`)
  const [shown] = textIndexes.nodes
  const state = (await chain.read('IndexRegistry', 'indexOf', [shown.id])) as {
    readonly publisher: Hex
    readonly bond: bigint
    readonly deadFrom: bigint
    readonly lapses: number
  }
  expect([shown.publisher, BigInt(shown.bond)]).toEqual([state.publisher.toLowerCase(), state.bond])
  expect(BigInt(shown.deadFrom ?? 0)).toBe(state.deadFrom)
  const lapses = Array.from({ length: state.lapses }, (_, n) => chain.read('IndexRegistry', 'lapseOf', [shown.id, n]))
  expect(shown.lapses.map(bigints)).toEqual(await Promise.all(lapses))
  for (const { publisher, amount, freeFrom } of shown.formerBonds.nodes) {
    const kept = await chain.read('IndexRegistry', 'formerBondOf', [shown.id, publisher])
    expect(kept).toEqual({ amount: BigInt(amount), freeFrom: amount === '0' ? 0n : BigInt(freeFrom) })
  }
  const holds = escrows.disputes.reduce((sum, address) => sum + chain.balance(address), 0n)
  expect(index.owed('disputes')).toBe(holds)
})

const bigints = ({ from, until }: { readonly from: number; readonly until: number }) => ({
  from: BigInt(from),
  until: BigInt(until),
})

test('an answer is explained by whether its index counted when its batch was committed, not by what became of it later', () => {
  const until = Number(index.store.cursor()?.number)
  const row = { model: Number(model), model_version: 1 }
  const request = { adapters: [], modelVersion: zeroHash } as unknown as InferenceRequest
  const told = judged.map(([time]) => answeredBy(index.store, { row, request, committedAt: Number(time), until }, 1))
  expect(told.map(({ isDead }) => isDead)).toEqual(judged.map(([, isDead]) => isDead))
})
