import { describe, expect, test } from 'vitest'
import { right } from '../../../inference/check/check-answer.ts'
import { checkExactProof, type ReceiptFacts } from '../../../inference/check/check-proof.ts'
import { merkleRootOf } from '../../../protocol/content-hash.ts'
import { rowLeafBytes } from '../../../inference/model-file.ts'
import { EmbeddingProofs } from '../../../inference/trace/embedding-proofs.ts'
import { traceRootOf } from '../../../inference/trace/head.ts'
import { encodeExactProof, ProofError } from '../../../inference/trace/proof-file.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import { chunks } from '../../../protocol/content-hash.ts'
import { tokenListRoot } from '../../../protocol/token-list.ts'
import { noText, partsOf } from '../../fakes/check-world.ts'
import { randomModel } from '../../fakes/random-model.ts'
import { testSeed, tracedAnswer, warm } from '../../fakes/traced-answer.ts'

const model = randomModel(8)
const input = [0, 5, 9]
const output: number[] = []
while (output.length < 4) {
  const { recorder } = tracedAnswer(model, [...input, ...output], { tin: input.length })
  output.push(recorder.choices.get(input.length + output.length - 1) as number)
}
const traced = tracedAnswer(model, [...input, ...output.slice(0, -1)], { tin: input.length })
const rows = new EmbeddingProofs(model.embedding)
const file = encodeExactProof(traced.layout, { head: traced.head, input, output }, traced.store.get, (token) =>
  rows.row(token),
)
const facts: ReceiptFacts = {
  promptRoot: tokenListRoot(input),
  outputRoot: tokenListRoot(output),
  rule: warm,
  seed: testSeed,
  maxTokens: 4,
  stops: [],
  cancelled: false,
  slots: [],
  traceRoot: bytesToHex(traceRootOf(traced.head)),
}
const { weights, columns } = model.embedding
const leaves = chunks(new Uint8Array(weights.buffer, weights.byteOffset, weights.length), rowLeafBytes(columns))
const bare = partsOf(model)
const parts = { ...bare, kept: { ...bare.kept, embeddingRoot: bytesToHex(merkleRootOf(leaves)) }, text: noText }

describe('the file of an answer', () => {
  test('is checked as it is served', () => {
    expect(checkExactProof(parts, facts, file)).toEqual(right)
  })

  test('no byte of it can be another', () => {
    for (let place = 0; place < file.length; place += 97) {
      const spoilt = file.slice()
      spoilt[place] = (spoilt[place] ?? 0) ^ 16
      const judge = () => checkExactProof(parts, facts, spoilt).verdict.ok
      let refused = false
      try {
        refused = !judge()
      } catch {
        refused = true
      }
      expect(refused, `byte ${place}`).toBe(true)
    }
  })

  test('cut, prolonged or of another trace it is refused by name', () => {
    const refusal = (bytes: Uint8Array, other = facts) => {
      try {
        return checkExactProof(parts, other, bytes).verdict
      } catch (error) {
        return error instanceof ProofError ? error.code : error
      }
    }
    expect(refusal(file.subarray(0, -1))).toBe('truncated')
    expect(refusal(new Uint8Array([...file, 0]))).toBe('oversized')
    expect(refusal(file, { ...facts, traceRoot: `0x${'11'.repeat(32)}` })).toBe('tampered')
  })

  test('accumulators that are not those committed are told from wrong ones', () => {
    const at = 8 + 85 + 4 + 4 * 7
    const spoilt = file.slice()
    spoilt[at] = (spoilt[at] ?? 0) ^ 1
    expect(checkExactProof(parts, facts, spoilt).verdict).toMatchObject({ ok: false, kind: 'root' })
  })
})
