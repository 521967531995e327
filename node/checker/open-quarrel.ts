import type { BatchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { openedPayment } from '../../attribution/epochs/check-receipt.ts'
import type { OpenedReceipt } from '../../attribution/epochs/openings.ts'
import type { TraceDemand } from '../../chain/ledger/trace-demands.ts'
import type { Slot } from '../../inference/adapter/adapter.ts'
import { adapterSections } from '../../inference/adapter/adapter-file.ts'
import { Dispute } from '../../inference/check/dispute.ts'
import { executeAgain } from '../../inference/check/execute-again.ts'
import type { Engine } from '../../inference/engine.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { sectionsOf } from '../../inference/model-file.ts'
import { SectionOpener } from '../../inference/one-step/open-section.ts'
import { answerSeed } from '../../inference/sampler.ts'
import { adapterShapes, TraceLayout } from '../../inference/trace/layout.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import type { Segment } from '../../protocol/receipt-batch.ts'
import { TraceQuarrel } from './trace-quarrel.ts'

export type QuarrelSources = {
  /** The receipt with all that the batch's file says of it, and as the contracts open it. */
  readonly answer: Pick<BatchReceipt, 'receipt' | 'request' | 'payment' | 'prompt' | 'output'>
  readonly opened: OpenedReceipt
  readonly segments: readonly Segment[]
  /** The request's model, and its adapters in order. */
  readonly model: CanonicalModel
  readonly slots: readonly Slot[]
  readonly engine: Engine
  /** The request's stop strings; undefined where they are not known. */
  readonly stops: readonly Uint8Array[] | undefined
  readonly demands: () => readonly TraceDemand[]
}

/** A quarrel about an answer by somebody who has the model: needs memory for the whole trace. */
export function openQuarrel(sources: QuarrelSources): TraceQuarrel {
  const { answer, opened, segments, model, slots, engine, stops, demands } = sources
  const { receipt, request, payment } = answer
  const [input, output] = [Array.from(answer.prompt), Array.from(answer.output)]
  const seed = answerSeed(receipt.requestId, receipt.worker)
  const layout = new TraceLayout(model.config, adapterShapes(slots))
  const files = [sectionsOf(model), ...slots.map(({ adapter }) => adapterSections(adapter))].map(
    (sections) => new SectionOpener(sections),
  )
  const { traceRoot, outputRoot, tin, tout } = receipt
  const { promptRoot, sampling, adapters } = request
  const roots = { modelRoot: files[0]?.root ?? traceRoot, traceRoot, promptRoot, outputRoot }
  const paid = openedPayment(payment ?? noPayment)
  const dispute = new Dispute({
    answer: { request, input, output, stops, isCut: payment?.cancel !== undefined, payment: paid },
    context: { ...roots, tin, tout, ...sampling, seed: bytesToHex(seed), adapters },
    ...{ layout, files },
    execute: (width) => {
      const given = { input, output, rule: sampling, seed, slots }
      return executeAgain({ engine, expTable: model.expTable }, layout, given, width)
    },
  })
  return new TraceQuarrel({ dispute, opened, segments, request, demands })
}

/** Of a request that was opened on chain. */
const noPayment = {
  voucher: {
    value: {
      channel: `0x${'00'.repeat(32)}`,
      requestId: `0x${'00'.repeat(32)}`,
      worker: `0x${'00'.repeat(20)}`,
      maxFee: 0n,
      cumulativeCap: 0n,
      deadline: 0n,
    },
    signature: new Uint8Array(64),
  },
} as const
