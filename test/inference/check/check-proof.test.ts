import { describe, expect, test } from 'vitest'
import { right } from '../../../inference/check/check-answer.ts'
import { checkExactProof } from '../../../inference/check/check-proof.ts'
import { rowLeafBytes } from '../../../inference/model-file.ts'
import { ProofError } from '../../../inference/trace/proof-file.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import { chunks, merkleRootOf } from '../../../protocol/content-hash.ts'
import { noText, partsOf } from '../../fakes/check-world.ts'
import { provenAnswer } from '../../fakes/proven-answer.ts'
import { randomModel } from '../../fakes/random-model.ts'

const model = randomModel(8)
const { facts, file } = provenAnswer(model)
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
