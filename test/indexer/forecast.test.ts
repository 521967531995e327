import { afterAll, beforeAll, expect, test } from 'vitest'
import { forecast } from '../../attribution/integrity/forecast.ts'
import { FiledWorld } from '../fakes/filed-world.ts'
import { stake } from '../fakes/standing-model.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'

/** Output tokens of the one receipt of each epoch: what the worker earns differs from epoch to epoch. */
const outputs = [3, 30, 8, 12, 3, 60, 9, 20, 4]

let world: IndexWorld
let index: TestIndex
let worker: string
let late: string
const earned: bigint[] = []

beforeAll(async () => {
  world = await IndexWorld.start()
  const money = await FiledWorld.watchedBy(world)
  const [actor, payer] = [money.chain.actor('worker'), money.chain.actor('payer')]
  const heir = money.chain.actor('heir').address
  await money.deposit(payer, actor, 10n ** 18n)
  await stake(money.chain, actor)
  for (const [epoch, tokens] of outputs.entries()) {
    const heirs = [{ class: 6, id: 1n, payee: heir, evidenceHash: `0x${'00'.repeat(32)}`, weight: 1_000_000 }] as const
    const plans = [money.plan(payer, actor, 3, tokens, ...(epoch < 2 ? [] : [heirs]))]
    await money.settle([(await money.commit(actor, money.build(actor, plans))).batch])
  }
  money.show()
  ;[worker, late] = [actor.address, heir]
  index = world.open()
  await index.follow()
  await index.fetchFiles()
}, 120_000)
afterAll(() => world.stop())

const ask = async (payee: string, epochs: number) =>
  await index.ask(`{ forecast(payee: "${payee}", epochs: ${epochs}) { basedOn low middle high } }`)

test('a forecast is made of what each final epoch credited to the payee', async () => {
  const { data: of } = await index.ask(
    `{ payee(address: "${worker}") { credits(first: 50) { nodes { amount epoch { number } } } } }`,
  )
  for (const { amount, epoch } of of.payee.credits.nodes as { amount: string; epoch: { number: string } }[]) {
    const at = Number(epoch.number) - 1
    earned[at] = (earned[at] ?? 0n) + BigInt(amount)
  }
  expect(earned.length).toBe(outputs.length)
  expect(new Set(earned).size).toBeGreaterThan(5)
  const found = forecast(earned, 4)
  const { data } = await ask(worker, 4)
  expect(data.forecast).toEqual({
    basedOn: outputs.length,
    ...{ low: `${found?.low}`, middle: `${found?.middle}`, high: `${found?.high}` },
  })
})

test('of a payee whose first epoch is not long ago there is none, and epochs out of range are refused', async () => {
  expect((await ask(late, 4)).data).toEqual({ forecast: null })
  expect((await ask(`0x${'99'.repeat(20)}`, 4)).data).toEqual({ forecast: null })
  for (const epochs of [0, 91, -1]) expect(JSON.stringify((await ask(worker, epochs)).errors)).toContain('BAD_INPUT')
})
