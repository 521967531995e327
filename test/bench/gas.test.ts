import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { gasFigures } from '../../scripts/bench/gas.ts'
import { type GasFigure, gasTable } from '../../scripts/bench/gas-figure.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/GAS.md'), 'utf8')
/** Fields of DESIGN §11. */
const fields = [
  'batchPerReceipt',
  'perChannel',
  'epochRoot',
  'claim',
  'challengeMax',
  'spanDispute',
  'oneStepMax',
  'contribution',
  'contributionBatched',
]

describe('docs/GAS.md', () => {
  let figures: GasFigure[]
  beforeAll(async () => {
    figures = await gasFigures()
  }, 600_000)

  test('the bench measures every field, or says why it cannot yet', () => {
    expect(figures.map(({ field }) => field)).toEqual(expect.arrayContaining([...fields]))
  })

  test('no figure passes its limit', () => {
    for (const { field, gas, limit = Number.POSITIVE_INFINITY } of figures)
      expect(gas ?? 0, field).toBeLessThanOrEqual(limit)
  })

  test('every figure is within 2 % of the page', () => {
    const rows = gasTable(figures).split('\n')
    for (const [i, { field, gas }] of figures.entries()) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${field}\` |`))
      const [, , printed = ''] = (row ?? '').split('|').map((cell) => cell.trim())
      if (gas === null) expect(row).toBe(rows[i + 2])
      else expect(Math.abs(Number(printed.replaceAll(',', '')) - gas), field).toBeLessThanOrEqual(gas * 0.02)
    }
  })
})
