import { setImmediate as turn } from 'node:timers/promises'
import type { Slot } from '../adapter/adapter.ts'
import { choiceOf } from '../choice.ts'
import type { Engine } from '../engine.ts'
import type { SamplingRule } from '../sampling-rule.ts'
import type { Trace, Unit } from '../trace.ts'
import type { TraceLayout } from './layout.ts'
import { type RecordSink, TraceRecorder } from './recorder.ts'

/** An answer that was given, and what decides it. */
export type GivenAnswer = {
  readonly input: readonly number[]
  readonly output: readonly number[]
  readonly rule: SamplingRule
  readonly seed: Uint8Array
  readonly slots: readonly Slot[]
}

export type RetraceOptions = {
  readonly width: 3 | 4
  readonly onRecord?: RecordSink | undefined
  /** Told every unit, behind the recorder. */
  readonly onUnit?: ((unit: Unit, values: ArrayLike<number>, recorder: TraceRecorder) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Positions that are run between two turns of the event loop. */
const batch = 32

/**
 * Runs an answer's own tokens, in batches, and gives the recorder of all of it. Where an accumulator does not fit, the rest is
 * recorded all the same. Throws the signal's reason when it aborts.
 */
export async function retrace(
  { engine, expTable }: { readonly engine: Engine; readonly expTable: Uint32Array },
  layout: TraceLayout,
  { input, output, rule, seed, slots }: GivenAnswer,
  { width, onRecord, onUnit, signal }: RetraceOptions,
): Promise<TraceRecorder> {
  const recorder = new TraceRecorder(layout, {
    tin: input.length,
    width,
    choose: (logits, position) => choiceOf(logits, rule, seed, position + 1, expTable),
    ...(onRecord && { onRecord }),
  })
  const trace: Trace = (unit, values) => {
    recorder.trace(unit, values)
    onUnit?.(unit, values, recorder)
  }
  const tokens = [...input, ...output].slice(0, -1)
  const session = engine.start({ slots, positions: Math.max(1, tokens.length) })
  try {
    for (let start = 0; start < tokens.length; start += batch) {
      signal?.throwIfAborted()
      const next = tokens.slice(start, start + batch)
      const headFrom = Math.min(next.length, Math.max(0, input.length - 1 - start))
      session.append(next, trace, headFrom)
      await turn()
    }
  } finally {
    session.close()
  }
  return recorder
}
