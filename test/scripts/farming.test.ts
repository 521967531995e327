import { describe, expect, test } from 'vitest'
import { ruleSets } from '../../scripts/bench/farming.ts'
import { farm, returnOn, rulesInForce } from '../../scripts/farming/farm.ts'

const selfQueries = (results: ReturnType<typeof farm>) =>
  results.filter(({ attack }) => attack.startsWith('asks itself'))
const copies = (results: ReturnType<typeof farm>, edit: number) =>
  results.find(({ attack }) => attack.startsWith(`copies with ${edit} %`)) ?? {
    attack: '',
    cost: 1n,
    gain: 0n,
    captured: 1,
  }
const weak = (name: string) => ruleSets[`weak: ${name}`] ?? rulesInForce

describe('farming', () => {
  const inForce = farm(rulesInForce, 1)

  test.each([1, 2])('does not pay under the rules in force: asking oneself, and near-duplicates (seed %i)', (seed) => {
    const results = seed === 1 ? inForce : farm(rulesInForce, seed)
    expect(selfQueries(results).length).toBe(4)
    for (const result of selfQueries(results)) expect(returnOn(result)).toBeLessThan(-0.05)
    for (const edit of [0, 5]) {
      expect(returnOn(copies(results, edit))).toBeLessThan(0)
      expect(copies(results, edit).captured).toBeLessThan(0.01)
    }
  })

  test('asking oneself loses the platform fee and the stakers, whatever the answers are', () => {
    const all = selfQueries(inForce).find(({ attack }) => attack.endsWith('worker, model'))
    if (all === undefined) throw new Error('no such clique')
    const perQuery = (all.cost - all.gain) / 50n
    expect(perQuery).toBeGreaterThanOrEqual(rulesInForce.shares.platformFee)
    expect(all.captured).toBe(1)
  })

  test('exact copies earn nothing under algoHash v2 where none is refused', () => {
    const rules = ruleSets['algoHash v2, refuses nothing'] ?? rulesInForce
    expect(copies(farm(rules, 1), 0).captured).toBe(0)
  })

  test('pays where rules are weak: copies that nobody refuses, a subsidy above what a query loses', () => {
    expect(returnOn(copies(farm(weak('refuses nothing'), 1), 0))).toBeGreaterThan(1)
    const subsidised = selfQueries(farm(weak('25 % subsidy, no platform fee'), 1)).map(returnOn)
    expect(Math.max(...subsidised)).toBeGreaterThan(0)
  })

  test('reworded copies are caught where owners refuse what is similar from 15 % on', () => {
    const strict = farm(ruleSets['refuses from 15 %'] ?? rulesInForce, 1)
    expect(returnOn(copies(inForce, 20))).toBeGreaterThan(0)
    expect(returnOn(copies(strict, 20))).toBeLessThan(0)
  })
})
