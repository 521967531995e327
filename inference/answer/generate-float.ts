import { type Fingerprint, FingerprintMaker } from '../check/fingerprint/fingerprint.ts'
import type { FloatEngine } from '../float/float-engine.ts'
import { InferenceError } from '../inference-error.ts'
import { sample } from '../sampler.ts'
import { checkRule, type SamplingRule } from '../sampling-rule.ts'
import { makeExpTable } from '../tables.ts'
import { Ending, type TokenBytes } from './ending.ts'
import type { AnswerRequest } from './generate.ts'

/** Logits lie within this of the largest, or count as so far away: 2^31 in Q16. */
const gapMax = 2 ** 31 - 1
/** Input tokens of one call of an engine. */
const inputBatch = 128

let expTable: Uint32Array | undefined

/** One output token; the fingerprint of all of them is there with the last. */
export type FloatAnswerStep = { readonly token: number; readonly fingerprint?: Fingerprint }

/**
 * Runs a request on a float engine: the tokens are drawn by the sampler of docs/canonical-inference.md §8 from logits rounded to Q16.
 * Throws {@link InferenceError} for a request that the engine cannot take, and the signal's reason when it aborts.
 */
export async function* generateFloat(
  engine: FloatEngine,
  text: TokenBytes,
  { input, rule, seed, maxTokens, stops }: Omit<AnswerRequest, 'slots'>,
  signal: AbortSignal,
): AsyncGenerator<FloatAnswerStep, void, void> {
  checkFloatRule(engine, rule)
  const ending = new Ending(engine.config, text, { maxTokens, stops, tin: input.length })
  const maker = new FingerprintMaker(engine.kind)
  const session = await engine.start()
  try {
    let step = await appendAll(session, input, signal)
    for (let position = input.length; ; position++) {
      maker.add(step)
      const token = sampleFloat(step.logits, rule, seed, position)
      const end = ending.push(token)
      yield end === undefined ? { token } : { token, fingerprint: maker.finish() }
      if (end !== undefined) return
      signal.throwIfAborted()
      step = await appendAll(session, [token], signal)
    }
  } finally {
    session.close()
  }
}

/** Refuses rules whose candidates the engine does not know. Throws {@link InferenceError}. */
export function checkFloatRule({ candidatesMax }: Pick<FloatEngine, 'candidatesMax'>, rule: SamplingRule): void {
  checkRule(rule)
  const isKnown = rule.tempQ16 === 0 || (rule.topK > 0 && rule.topK <= (candidatesMax ?? rule.topK))
  if (candidatesMax === undefined || isKnown) return
  throw new InferenceError(
    'sampling',
    `this engine tells ${candidatesMax} candidates: topK 1 to ${candidatesMax}, or temperature 0`,
  )
}

/** The token that the canonical sampler draws from logits, of which the largest is 0 in Q16. */
export function sampleFloat(logits: Float64Array, rule: SamplingRule, seed: Uint8Array, position: number): number {
  let max = Number.NEGATIVE_INFINITY
  for (const logit of logits) if (logit > max) max = logit
  const rounded = Int32Array.from(logits, (logit) => Math.max(Math.round((logit - max) * 65_536), -gapMax))
  expTable ??= makeExpTable()
  return sample(rounded, rule, seed, position, expTable)
}

async function appendAll(
  session: Awaited<ReturnType<FloatEngine['start']>>,
  tokens: readonly number[],
  signal: AbortSignal,
) {
  let last: Awaited<ReturnType<typeof session.append>>[number] | undefined
  for (let start = 0; start < tokens.length; start += inputBatch) {
    const batch = tokens.slice(start, start + inputBatch)
    const isLast = start + inputBatch >= tokens.length
    last = (await session.append(batch, isLast ? batch.length - 1 : batch.length, signal)).at(-1)
  }
  if (last === undefined) throw new InferenceError('token', 'an answer needs input tokens')
  return last
}
