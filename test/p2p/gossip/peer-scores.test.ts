import { expect, test } from 'vitest'
import { blockDeeds } from '../../../p2p/blocks/block-deeds.ts'
import { banScoreDefault as banScore } from '../../../p2p/gossip/peer-guard.ts'
import { PeerScores } from '../../../p2p/gossip/peer-scores.ts'

const times = (count: number, action: () => number): number => Math.min(...Array.from({ length: count }, action))

test('the sixth refused message earns a ban, the fifth does not', () => {
  const scores = new PeerScores(blockDeeds, 2)
  expect(times(5, () => scores.count('a', 'rejectedPayload', 0))).toBe(banScore)
  expect(scores.count('a', 'rejectedPayload', 0)).toBeLessThan(banScore)
  expect(scores.score('b', 0)).toBe(0)
})

test('good answers are worth 5 points at most', () => {
  const scores = new PeerScores(blockDeeds, 2)
  expect(times(1, () => scores.count('a', 'validResponse', 0, 1_000))).toBe(5)
})

test('failed answers and blocks out of time never ban', () => {
  const scores = new PeerScores(blockDeeds, 2)
  times(1_000, () => scores.count('a', 'errorResponse', 0))
  expect(times(1_000, () => scores.count('a', 'untimelyPayload', 0))).toBe(-18)
})

test('one block a slot of a signer we do not know yet never bans; a flood of them does', () => {
  const scores = new PeerScores(blockDeeds, 2)
  for (let slot = 0; slot < 1_000; slot++) scores.count('slow', 'unknownSigner', slot * 2_000)
  expect(scores.score('slow', 2_000_000)).toBeGreaterThan(-40)
  expect(times(51, () => scores.count('fast', 'unknownSigner', 0))).toBeLessThan(banScore)
})

test('what a peer did is forgotten within ten epochs of six slots', () => {
  const scores = new PeerScores(blockDeeds, 2)
  times(5, () => scores.count('a', 'rejectedPayload', 0))
  expect(scores.score('a', 60_000)).toBeCloseTo(banScore * 0.1, 1)
  expect(scores.score('a', 10 * 6 * 2_000)).toBeCloseTo(-1, 1)
  expect(scores.score('a', 12 * 6 * 2_000)).toBeGreaterThan(-1)
  expect(scores.score('a', 20 * 6 * 2_000)).toBe(0)
})
