import { afterAll, beforeAll, expect, test } from 'vitest'
import { FiledWorld } from '../fakes/filed-world.ts'
import { type Actor, open } from '../fakes/money-chain.ts'
import { itemBond, type Made, pools, ReviewWorld, reviewFee } from '../fakes/review-world.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'

let world: IndexWorld
let index: TestIndex
let review: ReviewWorld
let [first, waiting, copy, label]: (Made | bigint)[] = []
let before = 0

/** One accepted, one refused as its near-duplicate, one disputed in vain, a label, one that waits. */
beforeAll(async () => {
  world = await IndexWorld.start()
  const money = await FiledWorld.watchedBy(world)
  review = await ReviewWorld.create(undefined, money.chain)
  const text = Array.from({ length: 200 }, (_, i) => `word${i % 97} of${i % 31}`).join(' ')
  const original = await review.submit(text)
  await review.accept(original.id)
  const near = await review.submit(`${text} and more`, review.labeller)
  await money.chain.send(review.challenger, 'SignatureProofs', 'demandSignature', [near.id], { value: open / 20n })
  await money.chain.send(review.labeller, 'SignatureProofs', 'showSignature', [review.signed(near)])
  const both = [review.signed(near), review.signed(original)]
  await money.chain.send(review.challenger, 'SignatureProofs', 'proveNearDuplicate', both)
  const labelled = await review.label(original.id)
  await review.accept(labelled)
  await review.review(review.author, 'shareLabel', [labelled])
  const { dispute } = await review.disputed(original.id, 2, 0n, [0, 1_000, 10_000, undefined])
  await review.fund(pools.escrow, dispute, 1_001n)
  before = Number(money.chain.blockNumber)
  await review.settled(dispute)
  const absent = review.validators[3] as Actor
  await review.review(review.labeller, 'slashAbsent', [3n, absent.address])
  await review.review(absent, 'payReview', [1n, absent.address])
  await review.review(absent, 'claimOwed', [absent.address])
  await review.review(absent, 'requestUnbond', [100n * open])
  const next = await review.submit()
  money.chain.advance(2)
  await review.review(review.challenger, 'openReview', [next.id], reviewFee)
  ;[first, waiting, copy, label] = [original, next, near, labelled]
  money.show()
  index = await world.followed()
}, 120_000)

afterAll(() => world.stop())

test('what reviews and proofs hold is what the index says they owe', () => {
  expect(index.owed('reviews')).toBe(review.chain.balance('DatanetReview'))
  expect(index.owed('proofs')).toBe(review.chain.balance('SignatureProofs'))
  expect(index.owed('disputes')).toBe(review.chain.balance('DatanetJudge'))
  expect(review.chain.balance('DatanetJudge')).toBeGreaterThan(0n)
})

test('the review queue has what waits, with who may score', async () => {
  const { reviewRounds } = await index.data(
    '{ reviewRounds(where: { status: open }) { nodes { contribution { id author } weight status score votes { totalCount } } } }',
  )
  const { nodes } = reviewRounds as { nodes: { contribution: { id: string; author: string } }[] }
  expect(nodes).toEqual([
    {
      contribution: { id: String((waiting as Made).id), author: review.author.address },
      weight: ((await review.read('rounds', 4n)) as { total: number }).total,
      status: 'open',
      score: null,
      votes: { totalCount: 0 },
    },
  ])
})

test('votes of a round are told with their scores and pay', async () => {
  const { reviewRound } = await index.data(
    '{ reviewRound(id: 1) { status score revealed votes { nodes { score weight paid } } } }',
  )
  const votes = [300, 500, 700, 1_000].map((weight) => ({
    score: 9_000,
    weight,
    paid: weight === 300 ? String((reviewFee * 300n) / 2_500n) : '0',
  }))
  const found = reviewRound as { votes: { nodes: { weight: number }[] } }
  found.votes.nodes.sort((a, b) => a.weight - b.weight)
  expect(found).toEqual({ status: 'decided', score: 9_000, revealed: 2_500, votes: { nodes: votes } })
})

test('a dispute is told as it stood at a block and as it ended, with its escrow', async () => {
  const query = (at: string) =>
    `{ itemDispute(id: 1${at}) { status verdict ground bond escrowTo contribution { id } } }`
  const { itemDispute: then } = await index.data(query(`, block: { number: ${before} }`))
  expect(then).toMatchObject({ status: 'decided', verdict: 'dismissed', escrowTo: null })
  const { itemDispute } = await index.data(query(''))
  expect(itemDispute).toMatchObject({
    status: 'settled',
    verdict: 'dismissed',
    ground: 'poison',
    bond: String(itemBond),
    contribution: { id: String((first as Made).id) },
  })
})

test('proofs, demands and labels are told', async () => {
  const answer = await index.data(`{
    signatureProofs { nodes { kind bps slashed contribution { id status } original { id } } }
    signatureDemands(where: { status: shown }) { nodes { shownBy contribution { id } } }
    sharedLabels { nodes { labelsBps earns label { id } } }
    validators { totalCount }
    validator(address: "${(review.validators[3] as Actor).address}") { stake unbonding slashed weight }
  }`)
  expect(answer['signatureProofs']).toMatchObject({
    nodes: [{ kind: 'near_duplicate', slashed: String(itemBond), contribution: { status: 'slashed' } }],
  })
  expect(answer['signatureDemands']).toMatchObject({ nodes: [{ contribution: { id: String((copy as Made).id) } }] })
  expect(answer['sharedLabels']).toEqual({ nodes: [{ labelsBps: 1_500, earns: true, label: { id: String(label) } }] })
  expect(answer['validators']).toEqual({ totalCount: 4 })
  const stake = await review.read('memberOf', (review.validators[3] as Actor).address)
  const { stake: staked, unbonding } = stake as { stake: bigint; unbonding: bigint }
  expect(answer['validator']).toMatchObject({ stake: String(staked), unbonding: String(unbonding) })
})
