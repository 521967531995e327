import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { datanetEvent } from '../fakes/datanet-events.ts'
import { address } from '../fakes/indexed-chain.ts'
import { createDatanet, decide, IndexWorld, submit, submitBatch } from '../fakes/test-index.ts'

let world: IndexWorld
beforeEach(async () => {
  world = await IndexWorld.start()
})
afterEach(() => world.stop())

type Step = { readonly author: number; readonly accepted: boolean; readonly score: number }
type Row = { readonly subject: Hex; score: number; count: number; decided: number }

/** The rule of docs/INTEGRITY.md §1, written down once more. */
function recomputed(steps: readonly Step[]) {
  const rows = new Map<Hex, Row>()
  for (const { author, accepted, score } of steps) {
    const subject = address(author)
    const row = rows.get(subject) ?? { subject, score: 32_768, count: 0, decided: 0 }
    const outcome = accepted ? (score === 0 ? 65_536 : Math.floor((score * 65_536) / 10_000)) : 0
    row.score += Math.floor((outcome - row.score) / 8)
    row.count += Number(accepted)
    row.decided++
    rows.set(subject, row)
  }
  return [...rows.values()]
    .sort((a, b) => b.score - a.score || b.count - a.count || (a.subject < b.subject ? -1 : 1))
    .map(({ subject, score, count, decided }, i) => ({
      ...{ rank: i + 1, subject, score: String(score), count: String(count) },
      ratioBps: Math.floor((10_000 * count) / decided),
    }))
}

const board = '{ leaderboard(kind: CONTRIBUTORS, datanet: 1, first: 100) { rank subject score count ratioBps } }'

test('contributors of a Datanet stand, as of every block, where a recomputation from the events puts them', async () => {
  const steps = fc.sample(
    fc.record({ author: fc.integer({ min: 1, max: 6 }), accepted: fc.boolean(), score: fc.nat(10_000) }),
    { numRuns: 60, seed: 5 },
  )
  world.chain.mine([createDatanet(1n), createDatanet(2n)])
  const heights: number[] = []
  for (const [i, { author, accepted, score }] of steps.entries()) {
    // Another Datanet's contributions in between count for nothing here.
    const [own, other] = [BigInt(2 * i + 1), BigInt(2 * i + 2)]
    world.chain.mine([submit(1n, own, address(author), `text ${i}`), submit(2n, other, address(author), `other ${i}`)])
    world.chain.mine([decide(own, accepted, score), decide(other, !accepted, score)])
    heights.push(world.chain.head.number)
  }
  const index = world.open()
  await index.follow()
  expect((await index.ask(board)).data.leaderboard).toEqual(recomputed(steps))
  for (const height of [0, 7, 31, 58]) {
    const past = board.replace('first: 100', `first: 100, block: { number: ${heights[height]} }`)
    expect((await index.ask(past)).data.leaderboard).toEqual(recomputed(steps.slice(0, height + 1)))
  }
  expect((await index.ask(board.replace('100', '101'))).errors?.[0]?.message).toContain('first must be')
})

test('a batch is as many outcomes as it has items', async () => {
  world.chain.mine([createDatanet(1n), submitBatch(1n, 1n, address(3), 9, `0x${'ab'.repeat(32)}`)])
  const batchDecided = datanetEvent('ContributionBatchDecided', {
    firstId: 1n,
    accepted: true,
    items: 9,
    reason: zeroHash,
  })
  world.chain.mine([{ logs: [batchDecided] }])
  const index = world.open()
  await index.follow()
  const nine = Array.from({ length: 9 }, () => ({ author: 3, accepted: true, score: 0 }))
  expect((await index.ask(board)).data.leaderboard).toEqual(recomputed(nine))
})
