import { setImmediate as turn } from 'node:timers/promises'
import type { Slot } from '../adapter/adapter.ts'
import { choiceOf } from '../choice.ts'
import type { Engine } from '../engine.ts'
import type { SamplingRule } from '../sampler.ts'
import { int24Limit } from '../trace/elements.ts'
import type { TraceLayout } from '../trace/layout.ts'
import { CommittedTrace } from '../trace/opening.ts'
import { RecordStore } from '../trace/record-store.ts'
import { TraceRecorder } from '../trace/recorder.ts'
import type { Trace } from '../trace.ts'
import type { Executed } from './dispute.ts'
import type { UnitElement } from './order.ts'

/** An answer that somebody gave, and what decides it. */
export type GivenAnswer = {
  readonly input: readonly number[]
  readonly output: readonly number[]
  readonly rule: SamplingRule
  readonly seed: Uint8Array
  readonly slots?: readonly Slot[]
}

/** Positions that are run between two turns of the event loop. */
const batch = 8

/** Runs the model on an answer's own tokens and keeps the whole trace in memory, its accumulators at this width. */
export async function executeAgain(
  engine: Engine,
  expTable: Uint32Array,
  layout: TraceLayout,
  { input, output, rule, seed, slots = [] }: GivenAnswer,
  width: 3 | 4,
): Promise<Executed> {
  const store = new RecordStore()
  const recorder = new TraceRecorder(layout, {
    tin: input.length,
    width,
    onRecord: store.add,
    choose: (logits, position) => choiceOf(logits, rule, seed, position + 1, expTable),
  })
  let unfit: UnitElement | undefined
  const trace: Trace = (unit, values) => {
    recorder.trace(unit, values)
    if (unfit !== undefined || !recorder.overflowed) return
    const element = Array.prototype.findIndex.call(values, (value) => value < -int24Limit || value >= int24Limit)
    unfit = { unit: { ...unit }, element }
  }
  const session = engine.start({ slots })
  try {
    const tokens = [...input, ...output].slice(0, -1)
    for (let from = 0; from < tokens.length; from += batch) {
      const next = tokens.slice(from, from + batch)
      const headFrom = Math.min(next.length, Math.max(0, input.length - 1 - from))
      session.append(next, trace, headFrom)
      await turn()
    }
  } finally {
    session.close()
  }
  return { trace: new CommittedTrace(layout, recorder.finish(), store.get), choices: recorder.choices, unfit }
}
