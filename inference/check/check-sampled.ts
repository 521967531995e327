import { InferenceError } from '../inference-error.ts'
import {
  type AnswerFacts,
  beginAnswer,
  type CheckOutcome,
  type CheckParts,
  checkEnd,
  checkFacts,
  checkHead,
  linearOutcome,
  right,
} from './check-answer.ts'
import type { SentRecords } from './weightless-pass.ts'

/** An answer of which the beacon chose layers: class SAMPLED. What is shown here has been verified against the trace's roots. */
export type SampledJob = AnswerFacts & {
  /** The chosen layers, ascending, with the accumulators of every position. */
  readonly layers: readonly { readonly layer: number; readonly records: SentRecords }[]
  /** Accumulators of the head at its positions. */
  readonly headRecords: SentRecords
  /**
   * The residual stream as committed behind a slab of the derived tree: 0 embedding, 1 + i layer i; of all positions of slab 0 and
   * of those before and behind a chosen layer, and from tin − 1 on of the last.
   */
  readonly residual: (slab: number, position: number) => Int32Array
}

/**
 * Checks embedding, head, sampler and end at every position, and the chosen layers from what is committed before each to what
 * is behind it. Throws {@link InferenceError} as `checkExact`.
 */
export function checkSampled(parts: CheckParts, job: SampledJob): CheckOutcome {
  const facts = checkFacts(parts, job)
  if (facts !== undefined) return facts
  const { pass, kept } = parts
  const { tin } = job.head
  beginAnswer(parts, job)
  const embedding = compareResiduals(parts, job, 0)
  if (embedding !== undefined) return embedding
  for (const { layer, records } of job.layers) {
    const outside = setResiduals(parts, job, layer, 0)
    if (outside !== undefined) return outside
    const fault = pass.layer(layer, records)
    if (fault !== undefined) return linearOutcome(layer + 1, fault)
    const residual = compareResiduals(parts, job, layer + 1)
    if (residual !== undefined) return residual
  }
  const outside = setResiduals(parts, job, kept.config.layers, tin - 1)
  if (outside !== undefined) return outside
  return checkHead(parts, job, job.headRecords) ?? checkEnd(parts, job) ?? right
}

/** What is committed behind a slab becomes the pass's. */
function setResiduals(
  { pass, kept }: CheckParts,
  job: SampledJob,
  slab: number,
  from: number,
): CheckOutcome | undefined {
  for (let position = from; position < job.head.positions; position++) {
    const committed = job.residual(slab, position)
    if (committed.length !== kept.config.dim) throw new InferenceError('trace', `a residual of ${committed.length}`)
    const row = committed.indexOf(-(2 ** 31))
    if (row >= 0) return residualOutcome(slab, position, row, 'no rule gives such a number')
    pass.residual(position).set(committed)
  }
  return undefined
}

/** What the pass has behind a slab is what is committed there. */
function compareResiduals({ pass }: CheckParts, job: SampledJob, slab: number): CheckOutcome | undefined {
  for (let position = 0; position < job.head.positions; position++) {
    const committed = job.residual(slab, position)
    const row = pass.residual(position).findIndex((value, i) => value !== committed[i])
    if (row >= 0) return residualOutcome(slab, position, row, 'the residual stream is not what follows')
  }
  return undefined
}

function residualOutcome(slab: number, position: number, row: number, reason: string): CheckOutcome {
  const op = slab === 0 ? 'embedding' : 'ffnResidual'
  return { verdict: { ok: false, kind: 'unit', slab, op, position, part: 0, row, reason } }
}
