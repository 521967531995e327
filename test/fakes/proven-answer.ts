import { stopHash } from '../../inference/answer/stops.ts'
import type { ReceiptFacts } from '../../inference/check/check-proof.ts'
import { drawnLayers } from '../../inference/check/drawn-layers.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { EmbeddingProofs } from '../../inference/trace/embedding-proofs.ts'
import { traceRootOf } from '../../inference/trace/head.ts'
import { encodeExactProof } from '../../inference/trace/proof-file.ts'
import { encodeSampledProof } from '../../inference/trace/sampled-proof.ts'
import type { Trace } from '../../inference/trace.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { testSeed, tracedAnswer, warm } from './traced-answer.ts'

const input = [0, 5, 9]
const maxTokens = 4
const requestId: Hex = `0x${'42'.repeat(32)}`

export type ProvenOptions = {
  /** May change what is recorded. */
  readonly tamper?: Trace
  readonly stops?: readonly Uint8Array[]
  /** Output tokens, whatever the logits say. */
  readonly forced?: readonly number[]
  /** Class SAMPLED: what draws the layers. */
  readonly beacon?: Hex
}

/** An answer's file as a worker serves it, and what its request and receipt say. */
export function provenAnswer(
  model: CanonicalModel,
  { tamper, stops = [], forced, beacon }: ProvenOptions = {},
): { readonly facts: ReceiptFacts; readonly file: Uint8Array; readonly output: readonly number[] } {
  const output: number[] = [...(forced ?? [])]
  while (forced === undefined && output.length < maxTokens && output.at(-1) !== model.config.eos) {
    const { recorder } = tracedAnswer(model, [...input, ...output], { tin: input.length })
    output.push(recorder.choices.get(input.length + output.length - 1) as number)
  }
  const run = [...input, ...output.slice(0, -1)]
  const traced = tracedAnswer(model, run, tamper === undefined ? { tin: input.length } : { tin: input.length, tamper })
  const rows = new EmbeddingProofs(model.embedding)
  const answer = { head: traced.head, input, output, stops }
  const rowOf = (token: number) => rows.row(token)
  const drawn = beacon === undefined ? [] : drawnLayers(model.config.layers, beacon, requestId)
  return {
    output,
    file:
      beacon === undefined
        ? encodeExactProof(traced.layout, answer, traced.store.get, rowOf)
        : encodeSampledProof(traced.trace, drawn, answer, rowOf),
    facts: {
      ...{ requestId, beacon, stopHash: stopHash(stops) },
      promptRoot: tokenListRoot(input),
      outputRoot: tokenListRoot(output),
      traceRoot: bytesToHex(traceRootOf(traced.head)),
      ...{ rule: warm, seed: testSeed, maxTokens, cancelled: false, slots: [] },
    },
  }
}
