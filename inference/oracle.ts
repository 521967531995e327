import { checkSlots, type Slot, type Target, targets } from './adapter/adapter.ts'
import { checkTokens, type Engine, type Session, type SessionOptions, type Step } from './engine.ts'
import type { CanonicalModel, Layer, Matrix } from './model.ts'
import { type ModelConfig, tilePositions } from './model-config.ts'
import { type AttentionTile, attendTile, joinTiles } from './ops/attention.ts'
import { addWeighted, dequantise, embed, multiply } from './ops/linear.ts'
import { type Quantised, quantise } from './ops/quantise.ts'
import { rmsNorm } from './ops/rms-norm.ts'
import { narrow, rope } from './ops/rope.ts'
import { add, swiGlu } from './ops/swiglu.ts'
import type { Op, Trace } from './trace.ts'

/**
 * The model in plain TypeScript, one position after another, as docs/canonical-inference.md says it: what every other engine
 * is compared with. Slow.
 */
export class Oracle implements Engine {
  readonly #model: CanonicalModel

  constructor(model: CanonicalModel) {
    this.#model = model
  }

  get config(): ModelConfig {
    return this.#model.config
  }

  start({ slots = [], positions = this.config.context }: SessionOptions = {}): Session {
    checkSlots(this.config, slots)
    return new OracleSession(this.#model, slots, positions)
  }

  step(steps: readonly Step[]): Int32Array[] {
    return steps.map(({ session, tokens, trace, headFrom }) => session.append(tokens, trace, headFrom))
  }
}

/** Keys and values of one layer, a list of `kvHeads · headDim` each per position. */
type Cache = { readonly keys: Int16Array[]; readonly values: Int16Array[] }

class OracleSession implements Session {
  readonly #model: CanonicalModel
  readonly #slots: readonly Slot[]
  readonly #caches: readonly Cache[]
  readonly #positions: number
  #length = 0

  constructor(model: CanonicalModel, slots: readonly Slot[], positions: number) {
    this.#model = model
    this.#positions = positions
    this.#slots = slots
    this.#caches = model.layers.map(() => ({ keys: [], values: [] }))
  }

  get length(): number {
    return this.#length
  }

  append(tokens: readonly number[], trace?: Trace, headFrom = tokens.length - 1): Int32Array {
    checkTokens({ ...this.#model.config, context: this.#positions }, this.#length, tokens, headFrom)
    let logits: Int32Array = new Int32Array(0)
    for (const [i, token] of tokens.entries()) {
      const tracer = new Tracer(trace, this.#length + i)
      const x = this.#body(token, tracer)
      if (i >= headFrom) logits = this.#head(x, tracer)
    }
    this.#length += tokens.length
    return logits
  }

  close(): void {
    for (const cache of this.#caches) cache.keys.length = cache.values.length = 0
    this.#length = this.#positions
  }

  #body(token: number, tracer: Tracer): Int32Array {
    const { embedding } = this.#model
    let x: Int32Array = tracer.unit('embedding', embed(embedding, token))
    for (const [i, layer] of this.#model.layers.entries()) {
      tracer.layer = i
      x = this.#layer(layer, this.#caches[i] ?? { keys: [], values: [] }, x, tracer)
    }
    tracer.layer = 0
    return x
  }

  #head(x: Int32Array, tracer: Tracer): Int32Array {
    const { config, finalNorm, head } = this.#model
    const normed = tracer.unit('finalNorm', rmsNorm(x, finalNorm, config.epsilon))
    const input = tracer.quantised('headScale', 'headInput', this.#quantise(normed))
    return tracer.unit('logits', linear('head', head, input, tracer))
  }

  #layer(layer: Layer, cache: Cache, before: Int32Array, tracer: Tracer): Int32Array {
    const { config, sigmoidTable } = this.#model
    const normed = tracer.unit('attentionNorm', rmsNorm(before, layer.attentionNorm, config.epsilon))
    const mix = this.#attention(
      layer,
      cache,
      tracer.quantised('attentionScale', 'attentionInput', this.#quantise(normed)),
      tracer,
    )
    const mixInput = tracer.quantised('outputScale', 'outputInput', this.#quantise(mix))
    const middle = tracer.unit('attentionResidual', add(before, this.#linear('output', layer, mixInput, tracer)))

    const ffnNormed = tracer.unit('ffnNorm', rmsNorm(middle, layer.ffnNorm, config.epsilon))
    const ffnInput = tracer.quantised('ffnScale', 'ffnInput', this.#quantise(ffnNormed))
    const gate = this.#linear('gate', layer, ffnInput, tracer)
    const up = this.#linear('up', layer, ffnInput, tracer)
    const activation = tracer.unit('activation', swiGlu(gate, up, sigmoidTable))
    const downInput = tracer.quantised('downScale', 'downInput', this.#quantise(activation))
    return tracer.unit('ffnResidual', add(middle, this.#linear('down', layer, downInput, tracer)))
  }

  #attention(layer: Layer, cache: Cache, input: Quantised, tracer: Tracer): Int32Array {
    const { config, expTable } = this.#model
    const { heads, headDim, kvHeads } = config
    const { position } = tracer
    const [query, key, value] = [
      this.#linear('query', layer, input, tracer),
      this.#linear('key', layer, input, tracer),
      this.#linear('value', layer, input, tracer),
    ]
    const [cos, sin] = this.#angles(position)
    const rotated = tracer.unit('rotatedQuery', rope(query, cos, sin))
    cache.keys[position] = tracer.unit('cachedKey', rope(key, cos, sin))
    cache.values[position] = tracer.unit('cachedValue', narrow(value))

    const mix = new Int32Array(heads * headDim)
    const tileCount = Math.ceil((position + 1) / tilePositions(config))
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / kvHeads))
      const tiles: AttentionTile[] = []
      for (let tile = 0; tile < tileCount; tile++) {
        const part = attendTile(
          rotated.subarray(head * headDim, (head + 1) * headDim),
          tileOf(cache.keys, kvHead, tile, config),
          tileOf(cache.values, kvHead, tile, config),
          expTable,
          config,
        )
        tracer.unit('attentionTile', [part.max, part.sum, ...part.mix], head * tileCount + tile)
        tiles.push(part)
      }
      mix.set(joinTiles(tiles, expTable), head * headDim)
    }
    return tracer.unit('attentionMix', mix)
  }

  /** A linear of the layer with the adapters of the request. */
  #linear(target: Target, layer: Layer, input: Quantised, tracer: Tracer): Int32Array {
    let y = linear(target, layer[target], input, tracer)
    for (const [slot, { adapter, weight }] of this.#slots.entries()) {
      const pair = adapter.layers[tracer.layer]?.[target]
      if (pair === undefined) continue
      const part = targets.length * slot + targets.indexOf(target)
      const low = this.#quantise(linear('loraDown', pair.down, input, tracer, part))
      tracer.quantised('loraScale', 'loraInput', low, part)
      y = addWeighted(y, linear('loraUp', pair.up, low, tracer, part), weight)
    }
    return y
  }

  #quantise(x: Int32Array): Quantised {
    return quantise(x, this.#model.config.inputMax)
  }

  #angles(position: number): [cos: Int16Array, sin: Int16Array] {
    const { ropeCos, ropeSin, config } = this.#model
    const half = config.headDim / 2
    const [from, to] = [position * half, (position + 1) * half]
    return [ropeCos.subarray(from, to), ropeSin.subarray(from, to)]
  }
}

/** A linear layer: accumulators, which are the unit's output, and what they stand for in Q16. */
function linear(op: Op, matrix: Matrix, input: Quantised, tracer: Tracer, part = 0): Int32Array {
  return dequantise(tracer.unit(op, multiply(matrix, input), part), matrix.scales, input)
}

/** Keys or values of one head at the positions of one tile, one after another. */
function tileOf(cache: readonly Int16Array[], kvHead: number, tile: number, config: ModelConfig): Int16Array {
  const size = tilePositions(config)
  const rows = cache.slice(tile * size, (tile + 1) * size)
  const out = new Int16Array(rows.length * config.headDim)
  for (const [i, row] of rows.entries()) {
    out.set(row.subarray(kvHead * config.headDim, (kvHead + 1) * config.headDim), i * config.headDim)
  }
  return out
}

/** Where the pass is, and whom to tell. */
class Tracer {
  readonly position: number
  layer = 0
  readonly #trace: Trace | undefined

  constructor(trace: Trace | undefined, position: number) {
    this.#trace = trace
    this.position = position
  }

  unit<Values extends ArrayLike<number>>(op: Op, values: Values, part = 0): Values {
    this.#trace?.({ op, layer: this.layer, position: this.position, part }, values)
    return values
  }

  quantised(scale: Op, input: Op, value: Quantised, part = 0): Quantised {
    this.unit(scale, [value.mantissa, value.exponent], part)
    this.unit(input, value.values, part)
    return value
  }
}
