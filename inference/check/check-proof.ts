import type { Hex } from '../../protocol/bytes.ts'
import { adapterShapes, TraceLayout } from '../trace/layout.ts'
import { decodeExactProof } from '../trace/proof-file.ts'
import { type AnswerFacts, type CheckOutcome, type CheckParts, checkExact } from './check-answer.ts'
import { embeddingRow } from './embedding-row.ts'

/** What request and receipt say of an answer. */
export type ReceiptFacts = Omit<AnswerFacts, 'input' | 'output' | 'head' | 'rows'> & { readonly traceRoot: Hex }

/**
 * Checks the file that a worker serves for an answer of class EXACT. Throws `ProofError` for a file that is not of that trace, and
 * `FormatError` where it shows no row of the model's embedding: neither says anything about the answer.
 */
export function checkExactProof(parts: CheckParts, facts: ReceiptFacts, file: Uint8Array): CheckOutcome {
  const { kept } = parts
  const layout = new TraceLayout(kept.config, adapterShapes(facts.slots))
  const proof = decodeExactProof(layout, file, facts.traceRoot)
  const rows = new Map([...proof.rows].map(([token, leaves]) => [token, embeddingRow(kept, token, leaves)]))
  return checkExact(parts, { ...facts, ...proof, rows, isHashed: false })
}
