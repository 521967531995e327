import { readFileSync } from 'node:fs'
import { checkExact } from '../../inference/check/check-answer.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { decodeModel } from '../../inference/model-file.ts'
import { baseModelFile } from '../../inference/models/base-model.ts'
import { pairOf, partsOf } from '../../test/fakes/check-world.ts'
import { randomModel, smallConfig } from '../../test/fakes/random-model.ts'
import { runCampaign, Saboteur } from '../../test/fakes/tamper-campaign.ts'
import { type Costs, measureChecks } from './check-costs.ts'
import { config1b, config135m, syntheticModel } from './check-models.ts'

/** Spoilt answers of the campaign, some ms each, where no number is given. */
const [tampersFull, tampersQuick] = [20_000, 1_000]
/** Times that each part is measured, the least counts; of smaller models more often, where a pause of the machine is more of it. */
const [repeatsFull, repeatsQuick] = [4, 2]
const [smallRepeats, middleRepeats] = [32, 12]

export type CheckOptions = { readonly quick: boolean; readonly tampers?: number }

/**
 * What a check without weights costs beside the inference that it checks, CPU time of one thread in one run: answers made token by
 * token (T=1), and 128 input tokens in a batch with one output (T=128). Then spoilt answers, none of which may pass.
 */
export async function benchCheck({ quick, tampers }: CheckOptions): Promise<object> {
  const measure = (model: CanonicalModel, oneByOne: number, repeats = quick ? repeatsQuick : repeatsFull) =>
    measureChecks(model, { oneByOne, batch: 128, repeats })
  const base = decodeModel(new Uint8Array(readFileSync(baseModelFile)))
  const shipped = report('shipped', () => measure(base, 128, smallRepeats))
  const large = report('135M', () =>
    measure(syntheticModel(config135m), quick ? 16 : 48, quick ? repeatsQuick : middleRepeats),
  )
  const largest = report('1B', () => measure(syntheticModel(config1b), quick ? 4 : 12))
  const campaign = tamper(tampers ?? (quick ? tampersQuick : tampersFull))
  return {
    ratioShipped: round(shipped.single.ratio),
    ratio135m: round(large.single.ratio),
    ratio1b: round(largest.single.ratio),
    linearShipped: round(shipped.single.linear),
    linear135m: round(large.single.linear),
    linear1b: round(largest.single.linear),
    sampled1b: round(largest.single.sampled),
    ...{ ratioShippedT128: round(shipped.batch.ratio), ratio135mT128: round(large.batch.ratio) },
    ...{ ratio1bT128: round(largest.batch.ratio), linearShippedT128: round(shipped.batch.linear) },
    ...{ linear135mT128: round(large.batch.linear), linear1bT128: round(largest.batch.linear) },
    ...{ sampled1bT128: round(largest.batch.sampled), unhashed135mT128: round(large.batch.ratioUnhashed) },
    unhashed1bT128: round(largest.batch.ratioUnhashed),
    ...campaign,
  }
}

type Measured = ReturnType<typeof measureChecks>

function report(name: string, measure: () => Measured): Measured {
  const measured = measure()
  print(`${name}: one pair of vectors from the weights in ${Math.round(measured.setupMs)} ms`)
  for (const [what, costs] of [
    ['T=1', measured.single],
    ['T=128', measured.batch],
  ] as const) {
    printCosts(`${name} ${what}`, costs)
  }
  return measured
}

function printCosts(name: string, costs: Costs): void {
  const ms = (value: number) => value.toFixed(3)
  const part = (value: number) => `1/${(1 / value).toFixed(1)}`
  print(
    `${name}, ms a position: inference ${ms(costs.inferenceMs)}, check ${ms(costs.checkMs)}, hashing ${ms(costs.hashMs)}, ` +
      `one slab ${ms(costs.sampledMs)}`,
  )
  print(
    `  EXACT ${part(costs.ratio)}, without hashing ${part(costs.ratioUnhashed)}, linears alone ${part(costs.linear)}, ` +
      `SAMPLED ${part(costs.sampled)}`,
  )
  const parts = Object.entries(costs.parts).map(([what, microseconds]) => `${what} ${microseconds}`)
  print(`  µs a position: ${parts.join(', ')}`)
}

/** Nine in ten change numbers that were sent; the others are lies that the worker went on from, and wrong tokens and ends. */
function tamper(count: number): { readonly tampers: number; readonly escaped: number; readonly misplaced: number } {
  let [tampers, escaped, misplaced] = [0, 0, 0]
  const rounds = 10
  for (let round = 0; round < rounds; round++) {
    const model = randomModel(round, { ...smallConfig, vocab: 47, tiedHead: round % 2 === 0 })
    const pair = pairOf(model)
    const parts = partsOf(model, pair)
    const saboteur = new Saboteur(model, pair.seed, round)
    for (const list of [saboteur.edits((1.05 * count) / rounds), saboteur.runs((0.06 * count) / rounds)]) {
      const campaign = runCampaign(model, (job) => checkExact(parts, job), list)
      tampers += campaign.tampers
      escaped += [...campaign.escaped.values()].reduce((total, one) => total + one, 0)
      misplaced += campaign.misplaced.length
    }
  }
  print(`${tampers} spoilt answers: ${escaped} passed, ${misplaced} found elsewhere than where they are`)
  return { tampers, escaped, misplaced }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
