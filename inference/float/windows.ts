import type { FloatLayer, FloatSource } from './float-model.ts'
import { embed, emptyCache, logitsOf, runLayer, type Tap } from './reference.ts'

/** Residual streams of windows of tokens, taken through a model one layer after another. */
export class Windows {
  readonly #source: FloatSource
  /** Per window and position. */
  #streams: Float64Array[][]

  /** Tokens are cut at the context. Throws RangeError for a token that the model lacks. */
  constructor(source: FloatSource, tokens: readonly number[]) {
    this.#source = source
    const { context } = source.config
    const bad = tokens.find((token) => !(token >= 0 && token < source.shape.vocab))
    if (bad !== undefined) throw new RangeError(`token ${bad} is not one of ${source.shape.vocab}`)
    const embedding = source.embedding()
    this.#streams = Array.from({ length: Math.ceil(tokens.length / context) }, (_, i) =>
      tokens.slice(i * context, (i + 1) * context).map((token) => embed(embedding, token)),
    )
  }

  run(layer: FloatLayer, show: (tap: Tap, vector: Float64Array) => void = () => {}): void {
    this.#streams = this.#streams.map((stream) => {
      const cache = emptyCache()
      return stream.map((x) => runLayer(this.#source.config, layer, cache, x, show))
    })
  }

  /** After all layers: logits of each position, window by window. */
  *logits(): Generator<Float64Array> {
    const [norm, head] = [this.#source.finalNorm(), this.#source.head() ?? this.#source.embedding()]
    for (const x of this.#streams.flat()) yield logitsOf(head, norm, this.#source.config, x)
  }
}
