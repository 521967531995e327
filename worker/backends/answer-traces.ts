import type { AnswerParts, AnswerRequest, AnswerTrace } from '../../inference/answer/generate.ts'
import { choiceOf } from '../../inference/choice.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { EmbeddingProofs } from '../../inference/trace/embedding-proofs.ts'
import { traceRootOf } from '../../inference/trace/head.ts'
import { adapterShapes, TraceLayout } from '../../inference/trace/layout.ts'
import { CommittedTrace } from '../../inference/trace/opening.ts'
import { encodeExactProof } from '../../inference/trace/proof-file.ts'
import { RecordStore } from '../../inference/trace/record-store.ts'
import { TraceRecorder } from '../../inference/trace/recorder.ts'
import { retrace } from '../../inference/trace/retrace.ts'
import { encodeSampledProof } from '../../inference/trace/sampled-proof.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import type { AnswerProof } from './backend.ts'

/** The trace of an answer while it is made. */
export type AnswerTraceMaker = {
  /** For `generate`. */
  readonly recorder: AnswerTrace
  /** To be called behind the last token. */
  readonly finish: (output: readonly number[], signal: AbortSignal) => Promise<AnswerProof>
}

type Again<T> = (request: AnswerRequest, output: readonly number[], signal: AbortSignal) => Promise<T>
type AgainAs<T> = (
  request: AnswerRequest,
  output: readonly number[],
  isSampled: boolean,
  signal: AbortSignal,
) => Promise<T>

/** Traces of a model's answers. */
export type AnswerTraces = {
  readonly begin: (request: AnswerRequest, isSampled: boolean) => AnswerTraceMaker
  /** The proof of an answer that is known, which is run again. */
  readonly again: AgainAs<AnswerProof>
  /** Its whole trace. */
  readonly whole: Again<CommittedTrace>
  /** What is sent of it for layers that were drawn. */
  readonly sample: (
    request: AnswerRequest,
    output: readonly number[],
    layers: readonly number[],
    signal: AbortSignal,
  ) => Promise<Uint8Array>
}

export function openTraces(model: CanonicalModel, parts: AnswerParts): AnswerTraces {
  const embedding = new EmbeddingProofs(model.embedding)
  const rowOf = (token: number) => embedding.row(token)
  const layoutOf = ({ slots = [] }: AnswerRequest) => new TraceLayout(model.config, adapterShapes(slots))

  /** With four bytes an accumulator where three are too few. */
  const recorded = async (
    request: AnswerRequest,
    output: readonly number[],
    store: () => RecordStore,
    signal: AbortSignal,
  ) => {
    const { input, rule, seed, slots = [] } = request
    for (const width of [3, 4] as const) {
      const records = store()
      const answer = { input, output, rule, seed, slots }
      const recorder = await retrace(parts, layoutOf(request), answer, { width, onRecord: records.add, signal })
      if (!recorder.overflowed) return { recorder, records }
    }
    throw new Error('accumulators of four bytes always fit')
  }

  const proofOf = (
    request: AnswerRequest,
    output: readonly number[],
    recorder: TraceRecorder,
    records: RecordStore | undefined,
  ) => {
    const { head } = recorder.finish()
    const traceRoot = bytesToHex(traceRootOf(head))
    if (records === undefined) return { traceRoot }
    const answer = { head, input: request.input, output, stops: request.stops }
    return { traceRoot, proof: encodeExactProof(layoutOf(request), answer, records.get, rowOf) }
  }

  const again: AnswerTraces['again'] = async (request, output, isSampled, signal) => {
    const { recorder, records } = await recorded(request, output, isSampled ? noRecords : sentRecords, signal)
    return proofOf(request, output, recorder, isSampled ? undefined : records)
  }

  const whole: AnswerTraces['whole'] = async (request, output, signal) => {
    const { recorder, records } = await recorded(request, output, () => new RecordStore(), signal)
    return new CommittedTrace(layoutOf(request), recorder.finish(), records.get)
  }

  return {
    again,
    begin: (request, isSampled) => {
      const { input, rule, seed } = request
      const records = isSampled ? noRecords() : sentRecords()
      const recorder = new TraceRecorder(layoutOf(request), {
        ...{ tin: input.length, width: 3, onRecord: records.add },
        choose: (logits, position) => choiceOf(logits, rule, seed, position + 1, model.expTable),
      })
      const finish: AnswerTraceMaker['finish'] = async (output, signal) =>
        recorder.overflowed
          ? await again(request, output, isSampled, signal)
          : proofOf(request, output, recorder, isSampled ? undefined : records)
      return { recorder, finish }
    },
    whole,
    sample: async (request, output, layers, signal) => {
      const trace = await whole(request, output, signal)
      const { input, stops } = request
      return encodeSampledProof(trace, layers, { head: trace.head, input, output, stops }, rowOf)
    },
  }
}

/** Of the records those are kept that are sent. */
function sentRecords(): RecordStore {
  return new RecordStore((tree) => tree === 'linear')
}

function noRecords(): RecordStore {
  return new RecordStore(() => false)
}
