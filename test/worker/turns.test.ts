import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Turn, Turns } from '../../worker/jobs/turns.ts'

test('never more run or wait than may, whoever comes and goes, and nobody is left waiting', async () => {
  const step = fc.oneof(fc.record({ enter: fc.constantFrom('a', 'b', 'c') }), fc.record({ leave: fc.nat({ max: 20 }) }))
  const run = async (
    runningMax: number,
    waitingMax: number,
    steps: readonly ({ enter: string } | { leave: number })[],
  ) => {
    const turns = new Turns({ runningMax, waitingMax })
    const inside: { readonly turn: Turn; isRunning: boolean }[] = []
    for (const each of steps) {
      if ('enter' in each) {
        const turn = turns.enter(each.enter)
        expect(turn === undefined).toBe(inside.length >= runningMax + waitingMax)
        if (turn === undefined) continue
        const place = { turn, isRunning: false }
        inside.push(place)
        void turn.begun.then(() => {
          place.isRunning = true
        })
      } else if (inside.length > 0) {
        const [place] = inside.splice(each.leave % inside.length, 1)
        place?.turn.leave()
        place?.turn.leave()
      }
      await new Promise((next) => setImmediate(next))
      expect(inside.filter(({ isRunning }) => isRunning)).toHaveLength(Math.min(inside.length, runningMax))
      expect([turns.running, turns.waiting]).toEqual([
        Math.min(inside.length, runningMax),
        Math.max(0, inside.length - runningMax),
      ])
    }
  }
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.nat({ max: 3 }), fc.array(step, { maxLength: 30 }), run),
    { numRuns: 100 },
  )
})

test('a payer with many jobs does not hold up another', async () => {
  const turns = new Turns({ runningMax: 2, waitingMax: 8 })
  const order: string[] = []
  const enter = (of: string) => {
    const turn = turns.enter(of)
    if (turn === undefined) throw new Error('full')
    void turn.begun.then(() => order.push(of))
    return turn
  }
  const first = [enter('greedy'), enter('greedy'), enter('greedy'), enter('greedy')]
  enter('modest')
  first[0]?.leave()
  await Promise.resolve()
  expect(order).toEqual(['greedy', 'greedy', 'modest'])
})
