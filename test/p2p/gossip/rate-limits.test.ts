import { expect, test } from 'vitest'
import { blockLimits } from '../../../p2p/blocks/block-limits.ts'
import { RateLimits } from '../../../p2p/gossip/rate-limits.ts'
import { gossipBytesMax } from '../../../protocol/gossip.ts'

const message = { messages: 1, bytes: 1_000, controlEntries: 0 }

test('a sequencer that catches up at 30 blocks a second stays within limits', () => {
  const limits = new RateLimits(() => blockLimits)
  for (let i = 0; i < 1_800; i++) {
    expect(limits.frame('a', 1_000, i * 33)).toBe(0)
    expect(limits.rpc('a', message, i * 33)).toBe(0)
  }
})

test('a chain of the largest blocks, one a second, stays within limits', () => {
  const limits = new RateLimits(() => blockLimits)
  const largest = { messages: 1, bytes: gossipBytesMax, controlEntries: 4 }
  for (let i = 0; i < 100; i++) {
    expect(limits.frame('a', gossipBytesMax, i * 1_000)).toBe(0)
    expect(limits.rpc('a', largest, i * 1_000)).toBe(0)
  }
})

test('beyond the limit each message counts, and a large one for more', () => {
  const limits = new RateLimits(() => blockLimits)
  const sum = Array.from({ length: 1_000 }, () => limits.rpc('a', message, 0)).reduce((a, b) => a + b)
  expect(sum).toBe(1_000 - 256)
  expect(limits.rpc('a', { ...message, messages: 100 }, 0)).toBe(100)
  expect(limits.rpc('b', message, 0)).toBe(0)
  const bomb = { messages: 1, bytes: gossipBytesMax, controlEntries: 0 }
  expect(Array.from({ length: 6 }, () => limits.rpc('c', bomb, 0))).toEqual([0, 0, 0, 0, 160, 160])
})
