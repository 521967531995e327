import type { Hex } from '../../protocol/bytes.ts'
import { adapterShapes, TraceLayout } from '../trace/layout.ts'
import { decodeExactProof, type RowProof } from '../trace/proof-file.ts'
import { decodeSampledProof } from '../trace/sampled-proof.ts'
import { type AnswerFacts, type CheckOutcome, type CheckParts, checkExact } from './check-answer.ts'
import { checkSampled } from './check-sampled.ts'
import { drawnLayers } from './drawn-layers.ts'
import { embeddingRow } from './embedding-row.ts'

/** What request, receipt and batch say of an answer. */
export type ReceiptFacts = Omit<AnswerFacts, 'input' | 'output' | 'head' | 'rows' | 'stops'> & {
  readonly requestId: Hex
  readonly traceRoot: Hex
  readonly stopHash: Hex
  /** Class SAMPLED: what draws the layers; absent for class EXACT. */
  readonly beacon?: Hex | undefined
}

/** And the stop strings that the file shows. */
export type ProofOutcome = CheckOutcome & { readonly stops: readonly Uint8Array[] }

/**
 * Checks the file that a worker serves for an answer. Throws `ProofError` for a file that is not of that trace, and `FormatError`
 * where it shows no row of the model's embedding: neither says anything about the answer.
 */
export function checkProof(parts: CheckParts, facts: ReceiptFacts, file: Uint8Array): ProofOutcome {
  return facts.beacon === undefined ? checkExactProof(parts, facts, file) : checkSampledProof(parts, facts, file)
}

function checkExactProof(parts: CheckParts, facts: ReceiptFacts, file: Uint8Array): ProofOutcome {
  const proof = decodeExactProof(layoutOf(parts, facts), file, facts)
  const job = { ...facts, ...proof, rows: rowsOf(parts, proof.rows), isHashed: false }
  return { ...checkExact(parts, job), stops: proof.stops }
}

function checkSampledProof(parts: CheckParts, facts: ReceiptFacts, file: Uint8Array): ProofOutcome {
  const { beacon = '0x', requestId } = facts
  const drawn = drawnLayers(parts.kept.config.layers, beacon, requestId)
  const proof = decodeSampledProof(layoutOf(parts, facts), file, facts, drawn)
  const { head, headSlabs, residuals, stops } = proof
  const layers = proof.layers.map(({ layer, records }) => ({
    layer,
    records: (from: number, count: number) => records.slice(from, from + count),
  }))
  const outcome = checkSampled(parts, {
    ...{ ...facts, ...proof, layers, rows: rowsOf(parts, proof.rows) },
    headRecords: (from, count) =>
      Array.from({ length: count }, (_, i) =>
        headSlabs.map((records) => records[from + i - (head.tin - 1)] ?? noBytes),
      ).flat(),
    residual: (slab, position) => {
      const shown = residuals.get(slab)
      return shown?.rows[position - shown.first] ?? noResidual
    },
  })
  return { ...outcome, stops }
}

const noBytes = new Uint8Array(0)
const noResidual = new Int32Array(0)

function layoutOf({ kept }: CheckParts, { slots }: ReceiptFacts): TraceLayout {
  return new TraceLayout(kept.config, adapterShapes(slots))
}

function rowsOf({ kept }: CheckParts, rows: ReadonlyMap<number, RowProof>): Map<number, Int8Array> {
  return new Map([...rows].map(([token, leaves]) => [token, embeddingRow(kept, token, leaves)]))
}
