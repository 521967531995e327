import { generateFloat } from '../../inference/answer/generate-float.ts'
import { type FingerprintMaker, pointsOf } from '../../inference/check/fingerprint/fingerprint.ts'
import { couldBeDrawn } from '../../inference/check/fingerprint/replay.ts'
import { beyond, thresholdsOf } from '../../inference/check/fingerprint/thresholds.ts'
import { type FloatEngine, type FloatStep, referenceEngine } from '../../inference/float/float-engine.ts'
import type { FloatModel } from '../../inference/float/float-model.ts'
import type { SamplingRule } from '../../inference/sampling-rule.ts'
import type { ModelTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { compareToploc, toplocPoints } from '../../protocol/toploc.ts'

/** What is asked, and the model that answers are compared with. */
export type Asked = {
  readonly model: FloatModel
  readonly text: ModelTokenizer
  readonly inputs: readonly (readonly number[])[]
  readonly rule: SamplingRule
  readonly maxTokens: number
}

/** Of all blocks the worst. */
type Distances = {
  blocks: number
  hits: number
  mean: number
  median: number
  logit: number
  caught: number
  draws: number
  refused: number[]
}

const block = 32
const pointsMin = 32
/** Likeliest tokens of a position whose logits are compared. */
const likeliest = 40
/** Of a block of which no exponent agrees. */
const noErrorMilli = 2 ** 32 - 1
const epsilons = [0.01, 0.02, 0.05, 0.1, 0.15]
const never = new AbortController().signal

export function tableHead(what: string): string {
  return `\n| ${what} | blocks | exponents, least | mean, most | median, most | logit off, most | blocks refused | refused of draws at ε = ${epsilons.join(' · ')} |\n|---|---|---|---|---|---|---|---|\n`
}

/** How far an engine's answers are from the model in doubles, as a line of the table. */
export async function measuredRow(name: string, prover: FloatEngine, asked: Asked): Promise<string> {
  const row = await measure(prover, asked)
  const refused = row.refused.map((count) => `${((100 * count) / row.draws).toFixed(2)} %`).join(' · ')
  const error = (milli: number, digits: number) => (milli >= noErrorMilli ? '–' : (milli / 1000).toFixed(digits))
  return `| ${name} | ${row.blocks} | ${(row.hits / 100).toFixed(1)} % | ${error(row.mean, 2)} | ${error(row.median, 1)} | ${row.logit.toFixed(4)} | ${row.caught} | ${refused} |\n`
}

async function measure(prover: FloatEngine, { model, text, inputs, rule, maxTokens }: Asked): Promise<Distances> {
  const { kind } = prover
  const limits = thresholdsOf(kind)
  const refused = epsilons.map(() => 0)
  const row = { blocks: 0, hits: 10_000, mean: 0, median: 0, logit: 0, caught: 0, draws: 0, refused }
  for (const [i, input] of inputs.entries()) {
    const seed = new Uint8Array(32).fill(i + 1)
    const output: number[] = []
    const watched = watching(prover)
    let fingerprint: ReturnType<FingerprintMaker['finish']> | undefined
    for await (const step of generateFloat(watched.engine, text, { input, rule, seed, maxTokens, stops: [] }, never)) {
      output.push(step.token)
      fingerprint = step.fingerprint
    }
    const session = await referenceEngine(model, kind).start()
    const steps = await session.append([...input, ...output.slice(0, -1)], input.length - 1, never)
    for (const [b, { modulus, coeffs }] of (fingerprint?.blocks ?? []).entries()) {
      const points = pointsOf(kind, steps.slice(b * block, (b + 1) * block), limits.epsilon)
      if (points.length < pointsMin) continue
      const distance = compareToploc(modulus, coeffs, toplocPoints(points))
      row.blocks++
      if (beyond(distance, points.length, limits) !== undefined) row.caught++
      row.hits = Math.min(row.hits, Math.floor((10_000 * distance.expHits) / points.length))
      row.mean = Math.max(row.mean, distance.meanMilli)
      row.median = Math.max(row.median, distance.medianMilli)
    }
    for (const [at, token] of output.entries()) {
      const logits = steps[at]?.logits ?? new Float64Array(0)
      row.logit = Math.max(row.logit, farthest(watched.steps[at]?.logits ?? logits, logits))
      row.draws++
      for (const [e, epsilon] of epsilons.entries()) {
        const could = couldBeDrawn(logits, rule, { seed, position: input.length + at, token }, epsilon)
        refused[e] = (refused[e] ?? 0) + (could ? 0 : 1)
      }
    }
  }
  return row
}

/** The engine with the positions that it showed. */
function watching(engine: FloatEngine): { readonly engine: FloatEngine; readonly steps: FloatStep[] } {
  const steps: FloatStep[] = []
  const start: FloatEngine['start'] = async () => {
    const session = await engine.start()
    return {
      ...session,
      append: async (tokens, from, signal) => {
        const shown = await session.append(tokens, from, signal)
        steps.push(...shown)
        return shown
      },
    }
  }
  return { engine: { ...engine, start }, steps }
}

/** Of the likeliest that both know, how far two logits are apart relative to the others. */
function farthest(a: Float64Array, b: Float64Array): number {
  const order = [...b.keys()].sort((i, j) => (b[j] ?? 0) - (b[i] ?? 0)).slice(0, likeliest)
  const known = order.filter((token) => Number.isFinite(a[token] ?? 0))
  const differences = known.map((token) => (a[token] ?? 0) - (b[token] ?? 0))
  const middle = differences.reduce((total, value) => total + value, 0) / differences.length
  return Math.max(...differences.map((value) => Math.abs(value - middle)))
}
