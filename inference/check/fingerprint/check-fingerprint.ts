import { FormatError, type Hex } from '../../../protocol/bytes.ts'
import { compareToploc, type ToplocDistance, toplocPoints } from '../../../protocol/toploc.ts'
import type { EndRule, TokenBytes } from '../../answer/ending.ts'
import { Ending } from '../../answer/ending.ts'
import type { FloatEngine, FloatStep } from '../../float/float-engine.ts'
import type { SamplingRule } from '../../sampling-rule.ts'
import {
  blockPositions,
  decodeFingerprint,
  type Fingerprint,
  FingerprintMaker,
  fingerprintRoot,
  pointsOf,
} from './fingerprint.ts'
import { couldBeDrawn } from './replay.ts'
import { beyond, type Thresholds, thresholdsOf } from './thresholds.ts'

/** What a receipt of class FINGERPRINT stands for. */
export type FloatAnswer = {
  readonly input: readonly number[]
  readonly output: readonly number[]
  readonly rule: SamplingRule
  readonly maxTokens: number
  readonly seed: Uint8Array
  /** The request's stop strings; undefined where they are not known. */
  readonly stops: EndRule['stops'] | undefined
  /** The payer cut it: it need not end. */
  readonly cancelled: boolean
  readonly traceRoot: Hex
}

export type FloatVerdict =
  | { readonly ok: true; readonly distances: readonly ToplocDistance[] }
  /** `position`: of the output token, or the first of the block. */
  | { readonly ok: false; readonly position: number; readonly reason: string }

/** Positions of one call of an engine. */
const prefillBatch = 32

/**
 * Runs prompt and output through a float engine of the same model, and compares: the fingerprint of every block, every draw of the
 * sampler, and the end. Throws what the engine throws, which says nothing about the answer.
 */
export async function checkFingerprint(
  engine: FloatEngine,
  text: TokenBytes,
  answer: FloatAnswer,
  file: Uint8Array,
  {
    signal,
    thresholds = thresholdsOf(engine.kind),
  }: { readonly signal: AbortSignal; readonly thresholds?: Thresholds },
): Promise<FloatVerdict> {
  const { input, output } = answer
  const wrong = (position: number, reason: string): FloatVerdict => ({ ok: false, position, reason })
  if (output.some((token) => token >= engine.config.vocab)) return wrong(0, 'a token that the model has not')
  const ended = endOf(engine, text, answer)
  if (ended !== undefined) return ended
  let fingerprint: ReturnType<typeof decodeFingerprint>
  try {
    fingerprint = decodeFingerprint(file, output.length)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return wrong(0, error.message)
  }
  if (fingerprintRoot(fingerprint) !== answer.traceRoot) return wrong(0, 'the fingerprint is not the one committed to')
  if (fingerprint.kind !== engine.kind) return wrong(0, 'a fingerprint of another kind')
  const steps = await prefill(engine, answer, signal)
  const distances: ToplocDistance[] = []
  for (const [i, { modulus, coeffs }] of fingerprint.blocks.entries()) {
    const first = i * blockPositions
    const points = pointsOf(engine.kind, steps.slice(first, first + blockPositions), thresholds.epsilon)
    const distance = compareToploc(modulus, coeffs, toplocPoints(points))
    distances.push(distance)
    const why = beyond(distance, points.length, thresholds)
    if (why !== undefined) return wrong(first, why)
  }
  for (const [i, token] of output.entries()) {
    const place = { seed: answer.seed, position: input.length + i, token }
    const logits = steps[i]?.logits ?? new Float64Array(0)
    if (!couldBeDrawn(logits, answer.rule, place, thresholds.epsilon)) {
      return wrong(i, `token ${token} is not what the seed draws`)
    }
  }
  return { ok: true, distances }
}

/** The fingerprint of an answer that is known, which is run again. */
export async function fingerprintOf(
  engine: FloatEngine,
  input: readonly number[],
  output: readonly number[],
  signal: AbortSignal,
): Promise<Fingerprint> {
  const maker = new FingerprintMaker(engine.kind)
  for (const step of await prefill(engine, { input, output }, signal)) maker.add(step)
  return maker.finish()
}

function endOf(engine: FloatEngine, text: TokenBytes, answer: FloatAnswer): FloatVerdict | undefined {
  const { input, output, maxTokens, stops, cancelled } = answer
  if (input.length === 0 || input.length >= engine.config.context || maxTokens < 1) {
    return { ok: false, position: 0, reason: 'a prompt that leaves no room for an answer' }
  }
  const ending = new Ending(engine.config, text, { tin: input.length, maxTokens, stops: stops ?? [] })
  for (const [i, token] of output.entries()) {
    if (ending.reason !== undefined)
      return { ok: false, position: i, reason: `goes on behind its end, ${ending.reason}` }
    ending.push(token)
  }
  const mayEnd = cancelled || stops === undefined || ending.reason !== undefined
  return mayEnd ? undefined : { ok: false, position: output.length, reason: 'ends where nothing ends it' }
}

/** The positions that chose the output. */
async function prefill(
  engine: FloatEngine,
  { input, output }: Pick<FloatAnswer, 'input' | 'output'>,
  signal: AbortSignal,
): Promise<FloatStep[]> {
  const tokens = [...input, ...output.slice(0, -1)]
  const from = input.length - 1
  const session = await engine.start()
  const steps: FloatStep[] = []
  try {
    for (let start = 0; start < tokens.length; start += prefillBatch) {
      const batch = tokens.slice(start, start + prefillBatch)
      steps.push(...(await session.append(batch, Math.min(Math.max(from - start, 0), batch.length), signal)))
      signal.throwIfAborted()
    }
  } finally {
    session.close()
  }
  return steps
}
