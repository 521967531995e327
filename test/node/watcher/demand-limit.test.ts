import { describe, expect, test } from 'vitest'
import { demandLimit, demandsMax, evidenceLimit, probeLeaves } from '../../../node/watcher/demand-limit.ts'

const window = 1_200n
const none = { made: 0, open: 0 }
const at = (seconds: bigint, hasFile = true) => ({ now: 5_000n + seconds, start: 5_000n, window, hasFile })

describe('the leaves that a watcher asks for', () => {
  test('wait for a file that is missing, a twelfth of the window', () => {
    expect(demandLimit(at(99n, false), none)).toBe(0)
    expect(demandLimit(at(100n, false), none)).toBe(probeLeaves)
    expect(demandLimit(at(0n), none)).toBe(probeLeaves)
  })

  test('are few while answers can tell more', () => {
    expect(demandLimit(at(50n), { made: 40, open: probeLeaves })).toBe(0)
    expect(demandLimit(at(50n), { made: 40, open: 1 })).toBe(probeLeaves - 1)
  })

  test('are half of what is left when time runs out, and none when requests are closed', () => {
    expect(demandLimit(at(200n), { made: 56, open: 4 })).toBe((demandsMax - 56) / 2)
    expect(demandLimit(at(399n), { made: demandsMax - 1, open: 4 })).toBe(1)
    expect(demandLimit(at(400n), none)).toBe(0)
  })

  test('are never more than the budget', () => {
    for (const seconds of [100n, 300n]) {
      for (const made of [demandsMax - 2, demandsMax, demandsMax + 9]) {
        expect(made + demandLimit(at(seconds), { made, open: 0 })).toBeLessThanOrEqual(Math.max(demandsMax, made))
      }
    }
  })
})

describe('evidence of one batch', () => {
  const at = (now: bigint, open: number) => evidenceLimit({ now, start: 1_000n, window: 600n }, open)

  test('is waited for in lots, and from a sixth of the window on all is asked for, however much is hidden', () => {
    expect([at(1_000n, 0), at(1_099n, 10), at(1_099n, 64), at(1_099n, 200)]).toEqual([64, 54, 0, 0])
    expect([at(1_100n, 64), at(1_199n, 5_000)]).toEqual([Infinity, Infinity])
  })

  test('is not asked for where requests are closed', () => {
    expect([at(1_200n, 0), at(9_000n, 0)]).toEqual([0, 0])
  })
})
