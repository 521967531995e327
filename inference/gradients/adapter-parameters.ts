import type { Hex } from '../../protocol/bytes.ts'
import { type Adapter, type LowRank, type Target, targetShape } from '../adapter/adapter.ts'
import { quantisePair } from '../adapter/convert-adapter.ts'
import type { FloatMatrix } from '../float/float-model.ts'
import { InferenceError } from '../inference-error.ts'
import type { ModelConfig } from '../model-config.ts'
import { blocksOf, type LoraShape, parameterCount } from './lora-shape.ts'
import { dequantiseRows } from './placed-weights.ts'

/** Rank and targets of an adapter. */
export function shapeOf({ rank, layers }: Adapter): LoraShape {
  return { rank, targets: Object.keys(layers[0] ?? {}) as Target[] }
}

/** What an adapter's int8 matrices stand for, in the order of {@link blocksOf}. */
export function adapterParameters(config: ModelConfig, adapter: Adapter): Float32Array {
  const shape = shapeOf(adapter)
  const { rank } = shape
  const out = new Float32Array(parameterCount(config, shape))
  for (const { layer, target, side, offset, columns } of blocksOf(config, shape)) {
    const pair = adapter.layers[layer]?.[target]
    if (pair === undefined) throw new InferenceError('adapter', `the adapter has no ${target} in layer ${layer}`)
    const values = dequantiseRows(pair[side], config.inputMax)
    out.set(side === 'down' ? values : turned({ rows: columns, columns: rank, weights: values }), offset)
  }
  return out
}

/** The canonical adapter of trained parameters. */
export function quantiseParameters(
  config: ModelConfig,
  base: Hex,
  shape: LoraShape,
  parameters: Float32Array,
): Adapter {
  const { rank } = shape
  const layers = Array.from({ length: config.layers }, () => ({}) as { [Name in Target]?: LowRank })
  const blocks = blocksOf(config, shape)
  for (const [i, down] of blocks.entries()) {
    const up = blocks[i + 1]
    const layer = layers[down.layer]
    if (down.side !== 'down' || up === undefined || layer === undefined) continue
    const matrix = ({ offset, columns }: typeof down): FloatMatrix => ({
      rows: rank,
      columns,
      weights: parameters.slice(offset, offset + rank * columns),
    })
    const [rows, columns] = targetShape(config, down.target)
    const factors = { rows: new Float64Array(rows).fill(1), columns: new Float64Array(columns).fill(1) }
    const pair = { down: matrix(down), up: { rows, columns: rank, weights: turned(matrix(up)) } }
    layer[down.target] = quantisePair(pair, 1, factors, rank, config.inputMax)
  }
  return { base, rank, layers }
}

/** Rows and columns swapped. */
function turned({ rows, columns, weights }: FloatMatrix): Float32Array {
  return weights.map((_, i) => weights[(i % rows) * columns + Math.floor(i / rows)] as number)
}
