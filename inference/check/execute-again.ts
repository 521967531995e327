import type { Engine } from '../engine.ts'
import { int24Limit } from '../trace/elements.ts'
import type { TraceLayout } from '../trace/layout.ts'
import { CommittedTrace } from '../trace/opening.ts'
import { RecordStore } from '../trace/record-store.ts'
import { type GivenAnswer, retrace } from '../trace/retrace.ts'
import type { Executed } from './dispute.ts'
import type { UnitElement } from './order.ts'

/** Runs the model on an answer's own tokens and keeps the whole trace in memory, its accumulators at this width. */
export async function executeAgain(
  parts: { readonly engine: Engine; readonly expTable: Uint32Array },
  layout: TraceLayout,
  answer: GivenAnswer,
  width: 3 | 4,
): Promise<Executed> {
  const store = new RecordStore()
  let unfit: UnitElement | undefined
  const recorder = await retrace(parts, layout, answer, {
    width,
    onRecord: store.add,
    onUnit: (unit, values, { overflowed }) => {
      if (unfit !== undefined || !overflowed) return
      const element = Array.prototype.findIndex.call(values, (value) => value < -int24Limit || value >= int24Limit)
      unfit = { unit: { ...unit }, element }
    },
  })
  return { trace: new CommittedTrace(layout, recorder.finish(), store.get), choices: recorder.choices, unfit }
}
