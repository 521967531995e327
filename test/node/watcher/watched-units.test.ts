import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Contribution } from '../../../attribution/epochs/receipt-entries.ts'
import { batchState } from '../../../chain/ledger/batch-state.ts'
import { modelTerms } from '../../../chain/ledger/model-terms.ts'
import { entryClasses } from '../../../protocol/attribution-entry.ts'
import { zeroHash } from '../../../protocol/bytes.ts'
import { modelVersionHash } from '../../../protocol/inference-request.ts'
import { byTraining } from '../../../worker/attribute/contributions.ts'
import { permissive } from '../../fakes/licences.ts'
import { SpanMarket, spanAnswer } from '../../fakes/span-market.ts'
import { WatchedChain } from '../../fakes/watched-chain.ts'

const window = 30n
const word = `0x${'02'.repeat(32)}`
const datanets = 4n

let world: WatchedChain
let market: SpanMarket
beforeEach(async () => {
  world = await WatchedChain.open({ bare: true })
  market = await SpanMarket.open(world.chain, world.chain.rpc)
  const owner = world.chain.actor('datanet owner')
  for (let id = 2n; id <= datanets; id++) {
    await world.chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, word, 0n, word])
    await world.chain.send(owner, 'DatanetRegistry', 'setStatus', [id, 2])
  }
}, 60_000)
afterEach(() => world.close(), 60_000)

/** What an honest worker gives the units of a model's Datanets. */
async function unitsOf(model: bigint): Promise<Contribution[]> {
  const terms = await modelTerms(world.chain.rpc, modelVersionHash(model, 1))
  if (terms === undefined) throw new Error('no such model')
  return byTraining(terms.trainedOn)
}

const unit = (id: bigint, weight: bigint): Contribution => ({
  ...{ class: entryClasses.U, id, weight, evidenceHash: zeroHash },
})

test('units have what the weights of their own model’s Datanets give them, and every other list is void', async () => {
  const whole = await market.register(
    [
      { id: 1n, version: 1, weightBps: 2_500 },
      { id: 2n, version: 1, weightBps: 5_000 },
      { id: 3n, version: 1, weightBps: 1 },
    ],
    2n,
  )
  const child = await market.register([{ id: 2n, version: 1, weightBps: 70 }], whole)
  const [right, ofChild] = [await unitsOf(whole), await unitsOf(child)]
  expect(right.map(({ id, weight }) => [id, weight])).toEqual([
    [1n, 333_289n],
    [2n, 666_578n],
    [3n, 133n],
  ])
  const [one, two, three] = right as [Contribution, Contribution, Contribution]
  const adapter = `0x${'ad'.repeat(32)}` as const
  const of = (model: bigint, contributions: readonly Contribution[], given: object = {}) => ({
    ...{ text: spanAnswer, model: Number(model), contributions, ...given },
  })
  const honest = [of(whole, right), of(child, ofChild), of(child, ofChild, { adapter }), of(whole, right, { adapter })]
  const lies = [
    of(whole, [{ ...one, weight: one.weight + 1n }, two, { ...three, weight: three.weight - 1n }]),
    of(whole, [{ ...one, weight: one.weight + three.weight }, two]),
    of(whole, [unit(1n, 1_000_000n)]),
    of(whole, [one, two, unit(4n, three.weight)]),
    of(whole, [one, { ...two, weight: two.weight - 5n }, three, unit(4n, 5n)]),
    // What its parent was trained on is its parent's.
    of(child, right),
    of(child, [unit(1n, 1_000_000n)], { adapter }),
  ]
  const { batchId, file } = await market.settle([...honest, ...lies])
  world.publish(file)
  await world.settle()
  const names = world.sender.sent.map(({ functionName }) => functionName)
  expect(names).toEqual(lies.map(() => 'badUnitWeight'))
  await world.pass(Number(window) + 1)
  await world.settle()
  expect(batchState(world.book, batchId)?.voided).toEqual(lies.map((_lie, i) => honest.length + i))
  expect(world.messages('error'), 'nothing is told that is not shown').toEqual([])
}, 120_000)
