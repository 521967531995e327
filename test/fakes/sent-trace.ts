import type { Target } from '../../inference/adapter/adapter.ts'
import { targets } from '../../inference/adapter/adapter.ts'
import { recordWords } from '../../inference/check/weightless-pass.ts'
import type { Engine, SessionOptions } from '../../inference/engine.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import type { Unit } from '../../inference/trace.ts'

/** What a worker sends, and what stands between it, of a run of given tokens. */
export type SentTrace = {
  /** Accumulators per layer, position after position. */
  readonly layers: readonly Int32Array[]
  /** Accumulators of the head at every position. */
  readonly head: readonly Int32Array[]
  readonly logits: readonly Int32Array[]
  /** Residual stream per layer and position. */
  readonly residuals: readonly (readonly Int32Array[])[]
}

/** Runs tokens and keeps the accumulators; `spoil` may change a linear's accumulators, which is then what the run goes on with. */
export function sentTrace(engine: Engine, tokens: readonly number[], options?: SessionOptions): SentTrace {
  const { config } = engine
  const words = recordWords(config)
  const layers = Array.from({ length: config.layers }, () => new Int32Array(words * tokens.length))
  const residuals = layers.map((): Int32Array[] => [])
  const [head, logits]: [Int32Array[], Int32Array[]] = [[], []]
  const offsets = targetOffsets(config)
  const trace = ({ op, layer, position }: Unit, values: ArrayLike<number>) => {
    const offset = offsets[op as Target]
    if (op === 'head') head[position] = Int32Array.from(values)
    else if (op === 'logits') logits[position] = Int32Array.from(values)
    else if (op === 'ffnResidual') (residuals[layer] as Int32Array[])[position] = Int32Array.from(values)
    else if (offset !== undefined) layers[layer]?.set(Int32Array.from(values), words * position + offset)
  }
  engine.start(options).append(tokens, trace, 0)
  return { layers, head, logits, residuals }
}

/** Where each target's accumulators begin in a layer's record. */
export function targetOffsets({
  dim,
  heads,
  kvHeads,
  headDim,
  ffnDim,
}: CanonicalModel['config']): Record<Target, number> {
  const rows = [heads * headDim, kvHeads * headDim, kvHeads * headDim, dim, ffnDim, ffnDim, dim]
  let offset = 0
  const entries = targets.map((target, i) => {
    offset += rows[i] ?? 0
    return [target, offset - (rows[i] ?? 0)] as const
  })
  return Object.fromEntries(entries) as Record<Target, number>
}

/** Accumulators little-endian, so many bytes each. */
export function encodeAccumulators(values: Int32Array, width: 3 | 4): Uint8Array {
  const bytes = new Uint8Array(width * values.length)
  for (const [i, value] of values.entries()) {
    for (let byte = 0; byte < width; byte++) bytes[width * i + byte] = value >> (8 * byte)
  }
  return bytes
}
