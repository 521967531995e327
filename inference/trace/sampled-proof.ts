import { concatBytes } from '../../protocol/bytes.ts'
import type { TraceExtent, TraceLayout } from './layout.ts'
import type { CommittedTrace } from './opening.ts'
import {
  decodeRows,
  decodeStops,
  decodeTokens,
  encodeRows,
  encodeStops,
  encodeTokens,
  linearSlabs,
  type ProofCommitment,
  ProofReader,
  type ProvenAnswer,
  type RowProof,
} from './proof-file.ts'
import { decodeSlabPart, encodeSlabPart, type SlabPart } from './slab-proof.ts'

/** What a checker of class SAMPLED needs of an answer, verified under the trace's roots. */
export type SampledProof = ProvenAnswer & {
  /** Records of each chosen layer by position. */
  readonly layers: readonly { readonly layer: number; readonly records: readonly Uint8Array[] }[]
  /** Of each slab of the head its records from position tin − 1 on. */
  readonly headSlabs: readonly (readonly Uint8Array[])[]
  /** The residual stream behind a slab of the derived tree, dim int32 each, from a position on. */
  readonly residuals: ReadonlyMap<number, { readonly first: number; readonly rows: readonly Int32Array[] }>
  readonly rows: ReadonlyMap<number, RowProof>
}

/** What a worker sends for the layers that the beacon chose, ascending. docs/canonical-inference.md §12.5. */
export function encodeSampledProof(
  trace: CommittedTrace,
  layers: readonly number[],
  answer: ProvenAnswer,
  rowOf: (token: number) => RowProof,
): Uint8Array {
  const { layout, head } = trace
  const parts = sampledParts(layout, head, layers).map((part) => encodeSlabPart(trace, part))
  return concatBytes(encodeTokens(answer), ...parts, ...encodeRows(answer, rowOf), encodeStops(answer.stops))
}

/** Throws `ProofError` for what is not shown by that trace; rows are still to be held against the model's root. */
export function decodeSampledProof(
  layout: TraceLayout,
  bytes: Uint8Array,
  committed: ProofCommitment,
  layers: readonly number[],
): SampledProof {
  const reader = new ProofReader(bytes)
  const tokens = decodeTokens(reader, layout.config, committed.traceRoot)
  const shown = sampledParts(layout, tokens.head, layers).map((part) => ({
    part,
    records: decodeSlabPart(reader, layout, tokens.head, part),
  }))
  const rows = decodeRows(reader, layout.config, tokens)
  const stops = decodeStops(reader, committed.stopHash)
  reader.end()
  const ofLinear = (isWanted: (slab: number) => boolean) =>
    shown.filter(({ part }) => part.tree === 'linear' && isWanted(part.slab))
  const ofDerived = shown.filter(({ part }) => part.tree === 'derived')
  const last = layout.config.layers
  return {
    ...tokens,
    layers: ofLinear((slab) => slab <= last).map(({ part, records }) => ({ layer: part.slab - 1, records })),
    headSlabs: ofLinear((slab) => slab > last).map(({ records }) => records),
    residuals: new Map(
      ofDerived.map(({ part, records }) => [part.slab, { first: part.first, rows: records.map(int32s) }] as const),
    ),
    rows,
    stops,
  }
}

/** Chosen layers' slabs and the head's; then the residual stream of slab 0, before and behind each layer, and into the head. */
function sampledParts(layout: TraceLayout, extent: TraceExtent, layers: readonly number[]): SlabPart[] {
  const { config } = layout
  const linear = linearSlabs(layout, extent)
    .filter(({ slab, bytes }) => bytes > 0 && (slab > config.layers || layers.includes(slab - 1)))
    .map(({ slab, from }): SlabPart => {
      const to = layout.recordBytes('linear', slab, extent.positions - 1, extent)
      return { tree: 'linear', slab, first: from, from: 0, to }
    })
  const whole = new Set([0, ...layers.flatMap((layer) => [layer, layer + 1])])
  const slabs = [...new Set([...whole, config.layers])].sort((a, b) => a - b)
  const derived = slabs.map((slab): SlabPart => {
    const op = slab === 0 ? 'embedding' : 'ffnResidual'
    const from = layout.place({ op, layer: slab - 1, position: 0, part: 0 }, 0, extent).offset
    const first = whole.has(slab) ? 0 : extent.tin - 1
    return { tree: 'derived', slab, first, from, to: from + 4 * config.dim }
  })
  return [...linear, ...derived]
}

function int32s(bytes: Uint8Array): Int32Array {
  return new Int32Array(new Uint8Array(bytes).buffer)
}
