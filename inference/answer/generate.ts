import type { Slot } from '../adapter/adapter.ts'
import { checkTokens, type Engine, type Session } from '../engine.ts'
import { sample } from '../sampler.ts'
import { checkRule, type SamplingRule } from '../sampling-rule.ts'
import type { Trace } from '../trace.ts'
import { Ending, type EndReason, type TokenBytes } from './ending.ts'
import { runAlone, type StepRunner } from './step-gatherer.ts'

/** All that decides an answer but the model. */
export type AnswerRequest = {
  /** bos, template and prompt. */
  readonly input: readonly number[]
  readonly rule: SamplingRule
  readonly maxTokens: number
  /** See `stopList`. */
  readonly stops: readonly Uint8Array[]
  /** See `answerSeed`. */
  readonly seed: Uint8Array
  /** Adapters of the request, in its order. */
  readonly slots?: readonly Slot[]
}

export type AnswerParts = {
  readonly engine: Engine
  /** The model's EXP table. */
  readonly expTable: Uint32Array
  readonly text: TokenBytes
}

/** One output token; `end` is there with the last. */
export type AnswerStep = { readonly token: number; readonly end?: EndReason }

/** Sees the units of the answer, and may know the token that the logits of a position give. */
export type AnswerTrace = { readonly trace: Trace; readonly choices: ReadonlyMap<number, number> }

export type AnswerOptions = {
  readonly signal?: AbortSignal
  readonly recorder?: AnswerTrace
  /** Runs the steps, those of other answers with them; absent: each by itself. */
  readonly run?: StepRunner
}

/** Input positions of one step. */
const inputBatch = 32

/**
 * Runs a request and gives its output tokens one by one; other work gets its turn between them. What is to come depends on request,
 * seed and model alone. Throws {@link InferenceError} for a request that the model cannot take, before anything is run, and the signal's
 * reason when it aborts.
 */
export async function* generate(
  { engine, expTable, text }: AnswerParts,
  request: AnswerRequest,
  options: AnswerOptions = {},
): AsyncGenerator<AnswerStep, void, void> {
  const { input, rule, seed, maxTokens, slots = [] } = request
  const { signal, recorder, run = runAlone } = options
  checkTokens(engine.config, 0, input, input.length)
  checkRule(rule)
  const ending = new Ending(engine.config, text, { ...request, tin: input.length })
  const session = engine.start({ slots, positions: Math.min(engine.config.context, input.length + maxTokens) })
  try {
    let logits = await runInput(session, input, options)
    for (;;) {
      const position = session.length
      const token = recorder?.choices.get(position - 1) ?? sample(logits, rule, seed, position, expTable)
      const end = ending.push(token)
      yield end === undefined ? { token } : { token, end }
      if (end !== undefined) return
      signal?.throwIfAborted()
      logits = await run({ session, tokens: [token], trace: recorder?.trace })
      signal?.throwIfAborted()
    }
  } finally {
    session.close()
  }
}

async function runInput(
  session: Session,
  input: readonly number[],
  { signal, recorder, run = runAlone }: AnswerOptions,
): Promise<Int32Array> {
  let logits: Int32Array = new Int32Array(0)
  for (let start = 0; start < input.length; start += inputBatch) {
    signal?.throwIfAborted()
    const tokens = input.slice(start, start + inputBatch)
    const isLast = start + inputBatch >= input.length
    logits = await run({
      session,
      tokens,
      trace: recorder?.trace,
      headFrom: isLast ? tokens.length - 1 : tokens.length,
    })
  }
  signal?.throwIfAborted()
  return logits
}
