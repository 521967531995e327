import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Hex } from '../../../protocol/bytes.ts'
import { Claims, claimSeconds } from '../../../worker/market/claims.ts'
import { rankOf } from '../../../worker/market/rank.ts'
import { stopFile, stopsOf } from '../../../worker/market/stop-file.ts'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value): Hex => `0x${Buffer.from(value).toString('hex')}`)
const candidates = fc.uniqueArray(fc.record({ worker: hex(20), units: fc.integer({ min: 1, max: 1_000 }) }), {
  minLength: 1,
  maxLength: 12,
  selector: ({ worker }) => worker,
})
const draw = fc.record({ epochSeed: hex(32), requestId: hex(32) })

describe('the draw for a request on chain', () => {
  test('gives each worker a rank of its own, whatever the order in which they are known', () => {
    fc.assert(
      fc.property(draw, candidates, fc.infiniteStream(fc.nat()), (of, workers, keys) => {
        const ranks = workers.map(({ worker }) => rankOf(worker, of, workers))
        expect(ranks.toSorted((a, b) => Number(a) - Number(b))).toEqual(workers.map((_, i) => i))
        const keyed = workers.map((each) => ({ each, key: keys.next().value }))
        const shuffled = keyed.toSorted((a, b) => a.key - b.key).map(({ each }) => each)
        expect(workers.map(({ worker }) => rankOf(worker, of, shuffled))).toEqual(ranks)
      }),
    )
  })

  test('never takes a worker back for more units, nor for one that leaves', () => {
    fc.assert(
      fc.property(draw, candidates, fc.nat(), fc.integer({ min: 2, max: 9 }), (of, workers, at, times) => {
        const one = workers[at % workers.length] ?? workers[0]
        if (one === undefined) return
        const before = rankOf(one.worker, of, workers) ?? 0
        const grown = workers.map((each) => (each === one ? { ...each, units: each.units * times } : each))
        expect(rankOf(one.worker, of, grown)).toBeLessThanOrEqual(before)
        const [other] = workers.filter((each) => each !== one)
        const without = workers.filter((each) => each !== other)
        expect(before - (rankOf(one.worker, of, without) ?? -9)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('of two workers prefers one of three times the units five times in six', () => {
    const [small, large]: readonly Hex[] = [`0x${'01'.repeat(20)}`, `0x${'02'.repeat(20)}`]
    const workers = [
      { worker: small ?? '0x', units: 1 },
      { worker: large ?? '0x', units: 3 },
    ]
    const firsts = Array.from({ length: 3_000 }, (_, i) => {
      const requestId: Hex = `0x${i.toString(16).padStart(64, '0')}`
      return rankOf(large ?? '0x', { epochSeed: requestId, requestId }, workers) === 0
    })
    const share = firsts.filter(Boolean).length / firsts.length
    // min(U/3, V): 1 − 1/6; 4 standard deviations of 3,000 draws.
    expect(Math.abs(share - 5 / 6)).toBeLessThan(4 * Math.sqrt(5 / 36 / 3_000))
  })

  test('has no place for who is no candidate', () => {
    expect(rankOf('0x01', { epochSeed: '0x00', requestId: '0x00' }, [])).toBeUndefined()
  })
})

test('who claims a request is waited for once, and so few that it is answered at last', () => {
  const claims = new Claims()
  expect(claims.until('0x01')).toBe(0n)
  claims.add('0x01', '0xaa', 100n)
  claims.add('0x01', '0xaa', 200n)
  expect(claims.until('0x01')).toBe(100n + claimSeconds)
  for (let i = 0; i < 50; i++) claims.add('0x01', `0x${i}`, 100n + BigInt(i))
  expect(claims.until('0x01')).toBe(102n + claimSeconds)
})

test('stop strings are read as they were written, and of no other form', () => {
  const stop = fc.uint8Array({ minLength: 1, maxLength: 32 })
  fc.assert(
    fc.property(fc.array(stop, { maxLength: 4 }), (stops) => {
      expect(stopsOf(stopFile(stops))).toEqual(stops.map((each) => Uint8Array.from(each)))
    }),
  )
  for (const file of [[5], [5, 1], [5, 1, 2, 9], [5, 2, 1, 9], [4, 1, 1, 9]]) {
    expect(() => stopsOf(Uint8Array.from(file))).toThrow(/no stop strings/)
  }
})
