import { setImmediate as turn } from 'node:timers/promises'
import { type Adapter, targets } from '../../inference/adapter/adapter.ts'
import type { AnswerParts, AnswerRequest, AnswerTrace } from '../../inference/answer/generate.ts'
import { choiceOf } from '../../inference/choice.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { EmbeddingProofs } from '../../inference/trace/embedding-proofs.ts'
import { traceRootOf } from '../../inference/trace/head.ts'
import { type AdapterShape, TraceLayout } from '../../inference/trace/layout.ts'
import { encodeExactProof } from '../../inference/trace/proof-file.ts'
import { RecordStore } from '../../inference/trace/record-store.ts'
import { TraceRecorder } from '../../inference/trace/recorder.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import type { AnswerProof } from './backend.ts'

/** The trace of an answer while it is made. */
export type AnswerTraceMaker = {
  /** For `generate`. */
  readonly recorder: AnswerTrace
  /** To be called behind the last token. */
  readonly finish: (output: readonly number[], signal: AbortSignal) => Promise<AnswerProof>
}

export type AnswerTraces = {
  readonly begin: (request: AnswerRequest) => AnswerTraceMaker
  /** The trace of an answer that is known, which is run again. */
  readonly again: (request: AnswerRequest, output: readonly number[], signal: AbortSignal) => Promise<AnswerProof>
}

/** Positions run between two turns of the event loop. */
const positionsPerTurn = 32

/** Traces of a model's answers; of their records those are kept that are sent. */
export function openTraces(model: CanonicalModel, { engine }: AnswerParts): AnswerTraces {
  const embedding = new EmbeddingProofs(model.embedding)
  const record = (request: AnswerRequest, width: 3 | 4) => {
    const { input, rule, seed, slots = [] } = request
    const layout = new TraceLayout(
      model.config,
      slots.map(({ adapter }) => adapterShape(adapter)),
    )
    const store = new RecordStore((tree) => tree === 'linear')
    const choose = (logits: Int32Array, position: number) => choiceOf(logits, rule, seed, position + 1, model.expTable)
    const recorder = new TraceRecorder(layout, { tin: input.length, width, onRecord: store.add, choose })
    const finish = (output: readonly number[]): AnswerProof => {
      const { head } = recorder.finish()
      const proof = encodeExactProof(layout, { head, input, output }, store.get, (token) => embedding.row(token))
      return { traceRoot: bytesToHex(traceRootOf(head)), proof }
    }
    return { recorder, finish }
  }

  /** Runs the tokens of an answer. Aborts between batches with the signal's reason. */
  const again: AnswerTraces['again'] = async (request, output, signal) => {
    for (const width of [3, 4] as const) {
      const { recorder, finish } = record(request, width)
      const { input, slots = [] } = request
      const tokens = [...input, ...output.slice(0, -1)]
      const session = engine.start({ slots, positions: tokens.length })
      try {
        for (let start = 0; start < tokens.length && !recorder.overflowed; start += positionsPerTurn) {
          signal.throwIfAborted()
          const batch = tokens.slice(start, start + positionsPerTurn)
          const headFrom = Math.min(batch.length, Math.max(0, input.length - 1 - start))
          session.append(batch, recorder.trace, headFrom)
          await turn()
        }
      } finally {
        session.close()
      }
      if (!recorder.overflowed) return finish(output)
    }
    throw new Error('accumulators of four bytes always fit')
  }

  const begin: AnswerTraces['begin'] = (request) => {
    const { recorder, finish } = record(request, 3)
    return {
      recorder,
      finish: async (output, signal) => (recorder.overflowed ? await again(request, output, signal) : finish(output)),
    }
  }
  return { begin, again }
}

function adapterShape({ rank, layers }: Adapter): AdapterShape {
  return { rank, targets: targets.filter((target) => layers[0]?.[target] !== undefined) }
}
