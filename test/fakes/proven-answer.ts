import type { ReceiptFacts } from '../../inference/check/check-proof.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { EmbeddingProofs } from '../../inference/trace/embedding-proofs.ts'
import { traceRootOf } from '../../inference/trace/head.ts'
import { encodeExactProof } from '../../inference/trace/proof-file.ts'
import type { Trace } from '../../inference/trace.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { testSeed, tracedAnswer, warm } from './traced-answer.ts'

const input = [0, 5, 9]
const maxTokens = 4

/** An answer's file as a worker serves it, and what its request and receipt say; `tamper` may change what is recorded. */
export function provenAnswer(
  model: CanonicalModel,
  tamper?: Trace,
): { readonly facts: ReceiptFacts; readonly file: Uint8Array } {
  const output: number[] = []
  while (output.length < maxTokens && output.at(-1) !== model.config.eos) {
    const { recorder } = tracedAnswer(model, [...input, ...output], { tin: input.length })
    output.push(recorder.choices.get(input.length + output.length - 1) as number)
  }
  const run = [...input, ...output.slice(0, -1)]
  const traced = tracedAnswer(model, run, tamper === undefined ? { tin: input.length } : { tin: input.length, tamper })
  const rows = new EmbeddingProofs(model.embedding)
  const tokens = { head: traced.head, input, output }
  return {
    file: encodeExactProof(traced.layout, tokens, traced.store.get, (token) => rows.row(token)),
    facts: {
      promptRoot: tokenListRoot(input),
      outputRoot: tokenListRoot(output),
      traceRoot: bytesToHex(traceRootOf(traced.head)),
      ...{ rule: warm, seed: testSeed, maxTokens, stops: [], cancelled: false, slots: [] },
    },
  }
}
