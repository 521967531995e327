import { type Fields, hasAny, isFields, list } from '../fields.ts'
import type { VectorRunner } from '../vector.ts'

/**
 * A file that holds several vectors of one schema: as `cases`, or as a list. Fields that stand beside the cases, such as
 * `params`, hold for each of them.
 */
export function inCases(runner: VectorRunner): VectorRunner {
  return {
    name: `${runner.name}, several`,
    matches: (folder, json) => {
      const cases = casesOf(json)
      return cases.length > 0 && cases.every((one) => runner.matches(folder, one))
    },
    run: async (json, report) => {
      for (const [i, one] of casesOf(json).entries()) {
        await runner.run(one, report.within(`cases[${i}] ${String(one['name'] ?? '')}`.trim()))
      }
    },
  }
}

function casesOf(json: unknown): readonly Fields[] {
  if (Array.isArray(json)) return json.filter(isFields)
  if (!hasAny(json, 'cases') || !Array.isArray(json['cases'])) return []
  const { cases: _cases, expected: _expected, ...shared } = json
  return list(json, 'cases').map((one) => ({ ...shared, ...one }))
}
