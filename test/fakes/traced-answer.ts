import type { Slot } from '../../inference/adapter/adapter.ts'
import { choiceOf } from '../../inference/choice.ts'
import type { Engine } from '../../inference/engine.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { type ModelConfig, scoreScale } from '../../inference/model-config.ts'
import { Oracle } from '../../inference/oracle.ts'
import type { SamplingRule } from '../../inference/sampling-rule.ts'
import { adapterShapes, TraceLayout } from '../../inference/trace/layout.ts'
import { CommittedTrace } from '../../inference/trace/opening.ts'
import { RecordStore } from '../../inference/trace/record-store.ts'
import { TraceRecorder } from '../../inference/trace/recorder.ts'
import type { Trace } from '../../inference/trace.ts'
import type { Units } from './naive-commitment.ts'
import { smallConfig, wideInputConfig } from './random-model.ts'

export const warm: SamplingRule = { tempQ16: 70_000, topK: 20, topPQ16: 60_000 }
export const testSeed: Uint8Array = Uint8Array.from({ length: 32 }, (_, i) => i)

/** Plain; a head of several slabs; records of several leaves; a tile of 64 positions and the next; wide inputs. */
export const traceShapes: readonly ModelConfig[] = [
  smallConfig,
  { ...smallConfig, vocab: 9000, layers: 1, context: 40 },
  { ...smallConfig, ...scoreScale(128), heads: 3, kvHeads: 1, headDim: 128, ffnDim: 1600, layers: 1, context: 40 },
  {
    ...smallConfig,
    ...scoreScale(128),
    dim: 16,
    heads: 1,
    kvHeads: 1,
    headDim: 128,
    ffnDim: 16,
    layers: 1,
    context: 70,
  },
  wideInputConfig,
]

export type TracedOptions = {
  readonly tin: number
  readonly width?: 3 | 4
  readonly rule?: SamplingRule
  /** Tokens a call; all in one by default. */
  readonly batch?: number
  readonly engine?: Engine
  readonly slots?: readonly Slot[]
  /** Sees every unit before it is recorded, and may change its values. */
  readonly tamper?: Trace
}

/** The trace of a model run on tokens, all records kept. */
export function tracedAnswer(model: CanonicalModel, tokens: readonly number[], options: TracedOptions) {
  const { tin, width = 3, rule = warm, batch = tokens.length, engine = new Oracle(model), slots = [], tamper } = options
  const store = new RecordStore()
  const layout = new TraceLayout(model.config, adapterShapes(slots))
  const recorder = new TraceRecorder(layout, {
    tin,
    width,
    onRecord: store.add,
    choose: (logits, position) => choiceOf(logits, rule, testSeed, position + 1, model.expTable),
  })
  const session = engine.start({ slots })
  const units = new Map<string, number[]>()
  const trace: Trace = (unit, values) => {
    const copy = Array.isArray(values) ? [...values] : (values as Int32Array).slice()
    tamper?.(unit, copy)
    units.set(`${unit.op} ${unit.layer} ${unit.position} ${unit.part}`, Array.from(copy))
    recorder.trace(unit, copy)
  }
  for (let start = 0; start < tokens.length; start += batch) {
    const part = tokens.slice(start, start + batch)
    session.append(part, trace, Math.min(part.length, Math.max(0, tin - 1 - start)))
  }
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
