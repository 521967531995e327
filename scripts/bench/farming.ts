import { farm, type Rules, returnOn, rulesInForce } from '../farming/farm.ts'

const seeds = [1, 2, 3]

/** Rules that are compared; the last two are weak on purpose. */
export const ruleSets: Readonly<Record<string, Rules>> = {
  'in force': rulesInForce,
  'refuses from 15 %': { ...rulesInForce, refusesFrom: 1_500 },
  'algoHash v2, refuses nothing': { ...rulesInForce, refusesFrom: undefined, algo: 'v2' },
  'weak: refuses nothing': { ...rulesInForce, refusesFrom: undefined },
  'weak: 25 % subsidy, no platform fee': {
    ...rulesInForce,
    subsidyBps: 2_500,
    shares: { ...rulesInForce.shares, platformFee: 0n },
  },
}

/** Returns on farming under several sets of rules, worst and best of three seeds, and what it takes of the pools. docs/INTEGRITY.md §4. */
export function benchFarming(): object {
  const rows = Object.entries(ruleSets).flatMap(([rules, ruleSet]) => {
    const bySeed = seeds.map((seed) => farm(ruleSet, seed))
    return (bySeed[0] ?? []).map(({ attack }, i) => {
      const results = bySeed.map((results) => results[i] as (typeof results)[number])
      const returns = results.map(returnOn)
      const captured = Math.max(...results.map((result) => result.captured))
      return { rules, attack, least: Math.min(...returns), greatest: Math.max(...returns), captured }
    })
  })
  for (const { rules, attack, least, greatest, captured } of rows) {
    const returns = `${percent(least)} … ${percent(greatest)}`
    process.stdout.write(
      `${rules.padEnd(36)} ${attack.padEnd(60)} ${returns.padStart(18)} ${percent(captured, 1).padStart(8)}\n`,
    )
  }
  return { rows }
}

function percent(value: number, digits = 0): string {
  return `${(100 * value).toFixed(digits)} %`
}
