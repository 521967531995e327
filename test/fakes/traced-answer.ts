import { choiceOf } from '../../inference/choice.ts'
import type { Engine } from '../../inference/engine.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { Oracle } from '../../inference/oracle.ts'
import type { SamplingRule } from '../../inference/sampler.ts'
import { TraceLayout } from '../../inference/trace/layout.ts'
import { CommittedTrace } from '../../inference/trace/opening.ts'
import { RecordStore } from '../../inference/trace/record-store.ts'
import { TraceRecorder } from '../../inference/trace/recorder.ts'
import type { Trace } from '../../inference/trace.ts'
import type { Units } from './naive-commitment.ts'

export const warm: SamplingRule = { tempQ16: 70_000, topK: 20, topPQ16: 60_000 }
export const testSeed: Uint8Array = Uint8Array.from({ length: 32 }, (_, i) => i)

export type TracedOptions = {
  readonly tin: number
  readonly width?: 3 | 4
  readonly rule?: SamplingRule
  /** Tokens a call; all in one by default. */
  readonly batch?: number
  readonly engine?: Engine
  /** Sees every unit before it is recorded, and may change its values. */
  readonly tamper?: Trace
}

/** The trace of a model run on tokens, all records kept. */
export function tracedAnswer(model: CanonicalModel, tokens: readonly number[], options: TracedOptions) {
  const { tin, width = 3, rule = warm, batch = tokens.length, engine = new Oracle(model), tamper } = options
  const store = new RecordStore()
  const layout = new TraceLayout(model.config)
  const recorder = new TraceRecorder(layout, {
    tin,
    width,
    onRecord: store.add,
    choose: (logits, position) => choiceOf(logits, rule, testSeed, position + 1, model.expTable),
  })
  const session = engine.start()
  const units = new Map<string, number[]>()
  const trace: Trace = (unit, values) => {
    const copy = Array.isArray(values) ? [...values] : (values as Int32Array).slice()
    tamper?.(unit, copy)
    units.set(`${unit.op} ${unit.layer} ${unit.position} ${unit.part}`, Array.from(copy))
    recorder.trace(unit, copy)
  }
  for (let start = 0; start < tokens.length; start += batch) session.append(tokens.slice(start, start + batch), trace)
  session.close()
  const { head, trees } = recorder.finish()
  return {
    head,
    layout,
    store,
    recorder,
    units: units as Units,
    trace: new CommittedTrace(layout, { head, trees }, store.get),
  }
}
