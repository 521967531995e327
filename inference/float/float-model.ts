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

export type FloatConfig = {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly context: number
  /** Base of the rotary angles. */
  readonly theta: number
  readonly epsilon: number
  readonly bos: number
  readonly eos: number
}

/** A model of the Llama family as it was trained. Rotary pairs are (i, i + headDim/2), as in HF checkpoints. */
export type FloatModel = {
  readonly config: FloatConfig
  readonly tokenizer: Uint8Array
  readonly embedding: FloatMatrix
  readonly layers: readonly FloatLayer[]
  readonly finalNorm: Float32Array
  /** Absent where the head is the embedding. */
  readonly head?: FloatMatrix
}
