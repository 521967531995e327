/** Matrix of reals, `rows` × `columns`, row after row. */
export type FloatMatrix = { readonly rows: number; readonly columns: number; readonly weights: Float32Array }

export type FloatLayer = {
  readonly attentionNorm: Float32Array
  readonly query: FloatMatrix
  readonly key: FloatMatrix
  readonly value: FloatMatrix
  readonly output: FloatMatrix
  readonly ffnNorm: Float32Array
  readonly gate: FloatMatrix
  readonly up: FloatMatrix
  readonly down: FloatMatrix
}

export type LinearName = Exclude<keyof FloatLayer, 'attentionNorm' | 'ffnNorm'>

/** LoRA beside a linear: `weight · up · (down · input)` is added to what it gives. */
export type AddedPair = { readonly down: FloatMatrix; readonly up: FloatMatrix; readonly weight: number }

/** A layer with the adapters of a request, in its order; they are never added to the weights. */
export type AdaptedLayer = FloatLayer & { readonly added?: { readonly [Name in LinearName]?: readonly AddedPair[] } }

export type FloatConfig = {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly context: number
  /** Base of the rotary angles. */
  readonly theta: number
  /** Radians by which each rotary pair turns a position, `headDim / 2`; absent: `theta^(-2i / headDim)`. */
  readonly frequencies?: Float64Array
  readonly epsilon: number
  readonly bos: number
  readonly eos: number
}

/** A model of the Llama family as it was trained. Rotary pairs are (i, i + headDim/2), as in HF checkpoints. */
export type FloatModel = {
  readonly config: FloatConfig
  readonly tokenizer: Uint8Array
  readonly embedding: FloatMatrix
  readonly layers: readonly AdaptedLayer[]
  readonly finalNorm: Float32Array
  /** Absent where the head is the embedding. */
  readonly head?: FloatMatrix
}

/** Sizes that are known before any weight is read. */
export type FloatShape = {
  readonly vocab: number
  readonly dim: number
  readonly ffnDim: number
  readonly layers: number
  readonly tiedHead: boolean
}

/** A float model whose parts are read when they are asked for, so that one layer is in memory at a time. */
export type FloatSource = {
  readonly config: FloatConfig
  readonly shape: FloatShape
  readonly tokenizer: Uint8Array
  embedding(): FloatMatrix
  layer(index: number): FloatLayer
  finalNorm(): Float32Array
  /** Undefined where the head is the embedding. */
  head(): FloatMatrix | undefined
}

/** A model in memory as a source. */
export function sourceOf({ config, tokenizer, embedding, layers, finalNorm, head }: FloatModel): FloatSource {
  return {
    config,
    shape: {
      vocab: embedding.rows,
      dim: embedding.columns,
      ffnDim: layers[0]?.gate.rows ?? 0,
      layers: layers.length,
      tiedHead: head === undefined,
    },
    tokenizer,
    embedding: () => embedding,
    layer: (index) => {
      const layer = layers[index]
      if (layer === undefined) throw new RangeError(`layer ${index} of ${layers.length}`)
      return layer
    },
    finalNorm: () => finalNorm,
    head: () => head,
  }
}

export function rotaryFrequencies({
  headDim,
  theta,
  frequencies,
}: Pick<FloatConfig, 'headDim' | 'theta' | 'frequencies'>): Float64Array {
  const half = headDim / 2
  return frequencies ?? Float64Array.from({ length: half }, (_, i) => theta ** (-i / half))
}
