import { describe, expect, test } from 'vitest'
import { checkExact, type ExactJob, right } from '../../../inference/check/check-answer.ts'
import { loadCheckKernels } from '../../../inference/check/check-kernels.ts'
import type { PassParts } from '../../../inference/check/weightless-pass.ts'
import { pairOf, partsOf } from '../../fakes/check-world.ts'
import { randomModel, smallConfig, wideInputConfig } from '../../fakes/random-model.ts'
import { runCampaign, Saboteur } from '../../fakes/tamper-campaign.ts'

/** Spoilt answers; OPENLEDGER_FUZZ=100000 makes a campaign of them. */
const tampers = Number(process.env['OPENLEDGER_FUZZ'] ?? 800)
const shape = { vocab: 47, tiedHead: false }
const model = randomModel(3, { ...smallConfig, ...shape })
const pair = pairOf(model)
const parts = partsOf(model, pair)

describe('tampers', () => {
  test('an honest answer passes, at both widths', () => {
    for (const width of [3, 4] as const) {
      const { honest } = new Saboteur(model, pair.seed, 1, { width })
      expect(checkExact(parts, honest)).toEqual(right)
    }
  })

  test.each([
    ['narrow', model],
    ['wide', randomModel(4, { ...wideInputConfig, ...shape })],
  ])(
    'none passes, and each is found where it is, %s inputs',
    (_, attacked) => {
      const own = pairOf(attacked)
      const saboteur = new Saboteur(attacked, own.seed, 1)
      const its = partsOf(attacked, own)
      const check = (job: ExactJob) => checkExact(its, job)
      const edits = runCampaign(attacked, check, saboteur.edits(Math.ceil(tampers * 0.45)))
      const runs = runCampaign(attacked, check, saboteur.runs(Math.ceil(tampers * 0.05)))
      for (const campaign of [edits, runs]) {
        expect([...campaign.escaped]).toEqual([])
        expect(campaign.misplaced.slice(0, 5)).toEqual([])
      }
      expect(edits.kinds.size).toBe(11)
      expect(runs.kinds.size).toBe(15)
    },
    3_600_000,
  )

  test.each([
    ['with one vector', 'goneOnOrthogonalToFirst', { load: oneVector }],
    ['without a range check', 'goneOnAlias', { load: noRange }],
  ] as const)('a checker %s is caught out', (_, kind, weak: PassParts) => {
    const saboteur = new Saboteur(model, pair.seed, 2)
    const weakParts = partsOf(model, pair, weak)
    const { escaped } = runCampaign(model, (job) => checkExact(weakParts, job), saboteur.runs(20, [kind]))
    expect(escaped.get(kind)).toBeGreaterThan(0)
  })

  test('a checker with a constant vector is caught out', () => {
    const ones = (_: Uint8Array, __: number, rows: number) =>
      [new Int32Array(rows).fill(1), new Int32Array(rows).fill(1)] as const
    const weak = partsOf(model, pairOf(model, ones), { vectors: ones })
    const saboteur = new Saboteur(model, pair.seed, 2)
    const { escaped } = runCampaign(model, (job) => checkExact(weak, job), saboteur.runs(20, ['goneOnZeroSum']))
    expect(escaped.get('goneOnZeroSum')).toBeGreaterThan(0)
  })

  test.each(['teacherForced', 'swappedToken', 'earlyStop', 'lateStop', 'otherSeed'])(
    'a checker that looks at no wire lets %s pass',
    (kind) => {
      const saboteur = new Saboteur(model, pair.seed, 2)
      const noWires = (job: ExactJob) => {
        const outcome = checkExact(parts, job)
        return 'kind' in outcome.verdict && outcome.verdict.kind === 'answer' ? right : outcome
      }
      const { escaped } = runCampaign(model, noWires, saboteur.runs(10, [kind]))
      expect(escaped.get(kind)).toBeGreaterThan(0)
    },
  )
})

/** The second vector's sums are taken for right. */
function oneVector(memory: WebAssembly.Memory) {
  const kernels = loadCheckKernels(memory)
  return {
    ...kernels,
    settleRows: (...args: Parameters<typeof kernels.settleRows>) => {
      kernels.settleRows(...args)
      for (let i = 0; i < args[1]; i++) new Uint32Array(memory.buffer, args[2] + 16 * i, 4)[1] = 0
    },
    dotRows: (...args: Parameters<typeof kernels.dotRows>) => {
      kernels.dotRows(...args)
      for (let i = 0; i < args[2]; i++) new Uint32Array(memory.buffer, args[6] + 16 * i, 4)[1] = 0
    },
    dotInputs: (...args: Parameters<typeof kernels.dotInputs>) => {
      kernels.dotInputs(...args)
      for (let i = 0; i < args[1]; i++) new Uint32Array(memory.buffer, args[5] + 8 * i, 2)[1] = 0
    },
  }
}

/** Largest magnitudes are hidden from the comparison and known to the arithmetic. */
function noRange(memory: WebAssembly.Memory) {
  const kernels = loadCheckKernels(memory)
  return {
    ...kernels,
    settleRows: (...args: Parameters<typeof kernels.settleRows>) => {
      kernels.settleRows(...args)
      for (let i = 0; i < args[1]; i++) new Uint32Array(memory.buffer, args[2] + 16 * i, 4)[2] = 0
    },
  }
}
