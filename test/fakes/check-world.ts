import { randomBytes } from 'node:crypto'
import type { Target } from '../../inference/adapter/adapter.ts'
import { targets } from '../../inference/adapter/adapter.ts'
import { Ending } from '../../inference/answer/ending.ts'
import type { CheckParts, ExactJob } from '../../inference/check/check-answer.ts'
import type { KeptModel } from '../../inference/check/kept-model.ts'
import type { SecretPair } from '../../inference/check/pair-file.ts'
import { Projector } from '../../inference/check/projector.ts'
import { linearsOf, projectionOrder, type SecretVectors, secretVectors } from '../../inference/check/secret-vectors.ts'
import { type PassParts, WeightlessPass } from '../../inference/check/weightless-pass.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { Oracle } from '../../inference/oracle.ts'
import { sample } from '../../inference/sampler.ts'
import type { SamplingRule } from '../../inference/sampling-rule.ts'
import { TraceLayout } from '../../inference/trace/layout.ts'
import type { Trace } from '../../inference/trace.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { encodeAccumulators } from './sent-trace.ts'

export const noText = { decode: () => new Uint8Array(0) }

/** A pair straight from a model in memory. */
export function pairOf(model: CanonicalModel, vectors: SecretVectors = secretVectors): SecretPair {
  const seed = new Uint8Array(randomBytes(32))
  const linears = linearsOf(model.config)
  const parts = projectionOrder(model.config).flatMap((index) => {
    const { op, layer, rows, columns } = linears[index] as (typeof linears)[number]
    const { weights } = op === 'head' ? model.head : (model.layers[layer] as (typeof model.layers)[number])[op]
    const projector = new Projector([...vectors(seed, index, rows)], columns)
    for (let row = 0; row < rows; row += projector.roundRows) {
      projector.add(weights.subarray(row * columns, (row + projector.roundRows) * columns))
    }
    return [...projector.projections()]
  })
  const projections = new Uint32Array(parts.reduce((total, part) => total + part.length, 0))
  let at = 0
  for (const part of parts) {
    projections.set(part, at)
    at += part.length
  }
  return { seed, projections }
}

export function partsOf(model: CanonicalModel, pair = pairOf(model), parts?: PassParts): CheckParts {
  const kept: KeptModel = { ...model, root: '0x', embeddingRoot: '0x' }
  return { kept, pass: new WeightlessPass(kept, pair, parts), text: noText }
}

export type AnswerOptions = {
  readonly input: readonly number[]
  readonly rule: SamplingRule
  readonly maxTokens: number
  readonly width: 3 | 4
  /** Output tokens that the worker claims whatever its logits say. */
  readonly forced?: readonly number[] | undefined
  /** May change what the ops put out; the run goes on from it. */
  readonly lie?: Trace | undefined
}

const seed = Uint8Array.from({ length: 32 }, (_, i) => 7 * i)

/** A worker's answer and its accumulators, as sent. */
export function answerOf(model: CanonicalModel, options: AnswerOptions): ExactJob {
  const { input, rule, maxTokens, width, forced, lie } = options
  const { config, expTable } = model
  const layers = Array.from({ length: config.layers }, (): Uint8Array[] => [])
  const head: Uint8Array[] = []
  const trace: Trace = (unit, values) => {
    lie?.(unit, values)
    const bytes = () => encodeAccumulators(values as Int32Array, width)
    if (unit.op === 'head') head[unit.position] = bytes()
    else if (targets.includes(unit.op as Target)) layers[unit.layer]?.push(bytes())
  }
  const session = new Oracle(model).start()
  const ending = new Ending(config, noText, { tin: input.length, maxTokens, stops: [] })
  const output: number[] = []
  let logits = new Int32Array(0) as Int32Array
  for (const token of input) logits = session.append([token], trace, 0)
  for (let ended = false; !ended; ) {
    const token = forced === undefined ? sample(logits, rule, seed, session.length, expTable) : forced[output.length]
    output.push(token as number)
    ended = forced === undefined ? ending.push(token as number) !== undefined : output.length === forced.length
    if (!ended) logits = session.append([token as number], trace, 0)
  }
  const layout = new TraceLayout(config)
  return {
    input,
    output,
    promptRoot: tokenListRoot(input),
    outputRoot: tokenListRoot(output),
    ...{ rule, seed, maxTokens, stops: [], cancelled: false, slots: [], isHashed: true },
    head: {
      positions: input.length + output.length - 1,
      tin: input.length,
      width,
      linearDepth: layout.depth('linear'),
      derivedDepth: layout.depth('derived'),
      linearRoot: new Uint8Array(32),
      derivedRoot: new Uint8Array(32),
    },
    rows: new Map(Array.from({ length: config.vocab }, (_, token) => [token, rowOf(model, token)])),
    slabs: [...layers.map((records) => concat(records)), concat(head.slice(input.length - 1))],
  }
}

export function rowOf({ config, embedding }: CanonicalModel, token: number): Int8Array {
  return embedding.weights.subarray(token * config.dim, (token + 1) * config.dim)
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
