import { afterAll, beforeAll, expect, test } from 'vitest'
import { FingerprintMaker, fingerprintRoot, shownLeaf } from '../../inference/check/fingerprint/fingerprint.ts'
import { fingerprintKinds } from '../../inference/float/float-engine.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { CommitteeWorld } from '../fakes/committee-world.ts'
import { FiledWorld } from '../fakes/filed-world.ts'
import { type Actor, open } from '../fakes/money-chain.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'

let world: IndexWorld
let index: TestIndex
let committee: CommitteeWorld
let cases: { id: Hex; seats: readonly Actor[] }[]

/** A case that voids, one that nobody votes in, one that stands; a fingerprint shown and one that is not. */
beforeAll(async () => {
  world = await IndexWorld.start()
  const money = await FiledWorld.watchedBy(world)
  committee = await CommitteeWorld.create(6, money)
  const { chain } = money
  const maker = new FingerprintMaker(fingerprintKinds.state)
  for (let i = 0; i < 50; i++) maker.add({ logits: new Float64Array(0), state: Float64Array.of(i, 1, -2, 0.5) })
  const fingerprint = maker.finish()
  const batch = await committee.settle(2, fingerprintRoot(fingerprint))
  const value = (await chain.read('FingerprintJudge', 'answerPrice')) as bigint
  for (const receipt of [0, 1]) {
    const opened = money.openedReceipt(batch, receipt)
    const args = [opened, 0]
    const sent = await chain.send(committee.challenger, 'FingerprintJudge', 'requestFingerprint', args, { value })
    const id = sent.events[0]?.args['demandId']
    if (receipt === 0) {
      const shown = [id, ...shownLeaf(fingerprint, 0)]
      await chain.send(committee.worker, 'FingerprintJudge', 'serveFingerprint', shown)
    }
  }
  cases = []
  for (const acts of [
    ['absent', 'absent', 'absent', 'absent', 'absent'],
    ['right', 'right', 'right', 'right', 'wrong'],
    ['wrong', 'wrong', 'wrong', 'wrong', 'right'],
  ] as const) {
    const disputed = await committee.settle()
    const id = await committee.open(disputed)
    const seats = await committee.draw(id)
    await committee.play(id, seats, acts)
    if (acts[0] === 'wrong') await committee.verdict(disputed)
    cases.push({ id, seats })
  }
  const [winner, unbonding] = [cases[2]?.seats[0], committee.checkers[0]]
  if (winner === undefined || unbonding === undefined) throw new Error('no seats')
  await chain.send(winner, 'CheckerCommittee', 'claimOwed', [winner.address])
  const stake = (await chain.read('CheckerCommittee', 'stakeOf', [unbonding.address])) as bigint
  await chain.send(unbonding, 'CheckerCommittee', 'requestUnbond', [stake])
  money.show()
  index = await world.followed()
}, 120_000)

afterAll(() => world.stop())

test('what the committee and the demands hold is what the index says they owe', () => {
  expect(index.owed('committee')).toBe(committee.money.chain.balance('CheckerCommittee'))
  expect(index.owed('fingerprints')).toBe(committee.money.chain.balance('FingerprintJudge'))
  expect(index.owed('fingerprints')).toBeGreaterThan(0n)
})

test('GraphQL shows members, cases, seats and votes as the contract has them', async () => {
  const { committeeCase: wrong, committeeCases: all } = await index.data(`{
    committeeCase(id: "${cases[2]?.id}") {
      kind status right wrong beacon receipt worker challenger batch { id }
      seats { nodes { index vote lost member { address } } } }
    committeeCases { nodes { id status } } }`)
  expect(wrong).toMatchObject({ kind: 'fingerprint', status: 'void', right: 1, wrong: 4, receipt: 0 })
  expect(wrong.challenger).toBe(committee.challenger.address)
  const seats = wrong.seats.nodes as { index: number; vote: string; lost: string; member: { address: string } }[]
  expect(seats.map(({ vote }) => vote)).toEqual(['wrong', 'wrong', 'wrong', 'wrong', 'right'])
  expect(seats.map(({ member }) => member.address)).toEqual(cases[2]?.seats.map(({ address }) => address))
  expect(seats.map(({ lost }) => lost === '0')).toEqual([true, true, true, true, false])
  const byId = new Map(all.nodes.map(({ id, status }: { id: string; status: string }) => [id, status]))
  expect(cases.map(({ id }) => byId.get(id))).toEqual(['undecided', 'upheld', 'void'])
  const { committeeMembers } = await index.data(
    '{ committeeMembers { nodes { address stake unbonding weight slashed claimed } } }',
  )
  expect(committeeMembers.nodes).toHaveLength(6)
  for (const { address, stake, unbonding } of committeeMembers.nodes) {
    const held = await committee.money.chain.read('CheckerCommittee', 'memberOf', [address])
    expect({ stake, unbonding }).toEqual({
      stake: String((held as { stake: bigint }).stake),
      unbonding: String((held as { unbonding: bigint }).unbonding),
    })
  }
  const claims = committeeMembers.nodes.map(({ claimed }: { claimed: string }) => BigInt(claimed))
  expect(claims.some((claimed: bigint) => claimed > open / 20n)).toBe(true)
})

test('GraphQL shows fingerprints that were asked for, shown or not', async () => {
  const { fingerprintDemands } = await index.data(
    '{ fingerprintDemands { nodes { receipt index status kind width leaf } } }',
  )
  const shown = fingerprintDemands.nodes.toSorted(
    (a: { receipt: number }, b: { receipt: number }) => a.receipt - b.receipt,
  )
  expect(shown).toMatchObject([
    { receipt: 0, index: 0, status: 'served', kind: 0, width: 4 },
    { receipt: 1, index: 0, status: 'open', leaf: null },
  ])
})
