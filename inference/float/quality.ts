import type { Engine } from '../engine.ts'
import { type FloatModel, type FloatSource, sourceOf } from './float-model.ts'
import { softmax } from './reference.ts'
import { Windows } from './windows.ts'

/** How far an integer model is from the float one on the same tokens. */
export type Quality = {
  /** Perplexity per token, teacher-forced. */
  readonly floatPerplexity: number
  readonly integerPerplexity: number
  /** Nats of all predicted tokens together; over their bytes and ln 2 these are bits per byte. */
  readonly floatNats: number
  readonly integerNats: number
  /** Share of positions where both rank the same token first. */
  readonly argmaxAgreement: number
  /** Mean divergence of the integer model's distribution from the float one's, in nats. */
  readonly divergence: number
  readonly positions: number
}

export function measureQuality(model: FloatModel, engine: Engine, tokens: readonly number[]): Quality {
  return compareQuality(sourceOf(model), engine, tokens)
}

/** Both models over `tokens`, in windows of the context; of the float model one layer is in memory at a time. */
export function compareQuality(
  source: FloatSource,
  engine: Engine,
  tokens: readonly number[],
  onLayer: (layer: number) => void = () => {},
): Quality {
  const windows = new Windows(source, tokens)
  for (let i = 0; i < source.shape.layers; i++) {
    onLayer(i)
    windows.run(source.layer(i))
  }
  let [floatNats, integerNats, divergence, equal, positions] = [0, 0, 0, 0, 0]
  let session = engine.start()
  let i = -1
  for (const float of windows.logits()) {
    i++
    if (i > 0 && i % source.config.context === 0) {
      session.close()
      session = engine.start()
    }
    const integer = Float64Array.from(session.append(tokens.slice(i, i + 1)), (logit) => logit / 65_536)
    const next = (i + 1) % source.config.context === 0 ? undefined : tokens[i + 1]
    if (next === undefined) continue
    const [p, q] = [softmax(float), softmax(integer)]
    floatNats -= Math.log(p[next] ?? 0)
    integerNats -= Math.log(q[next] ?? 0)
    divergence += p.reduce((sum, value, v) => sum + (value > 0 ? value * Math.log(value / (q[v] ?? 0)) : 0), 0)
    if (argmax(float) === argmax(integer)) equal++
    positions++
  }
  session.close()
  return {
    floatPerplexity: Math.exp(floatNats / positions),
    integerPerplexity: Math.exp(integerNats / positions),
    floatNats,
    integerNats,
    argmaxAgreement: equal / positions,
    divergence: divergence / positions,
    positions,
  }
}

function argmax(list: Float64Array): number {
  return list.reduce((best, value, i) => (value > (list[best] ?? 0) ? i : best), 0)
}
