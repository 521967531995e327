import type { Engine } from '../engine.ts'
import type { FloatModel } from './float-model.ts'
import { FloatReference, softmax } from './reference.ts'

/** How far an integer model is from the float one on the same tokens. */
export type Quality = {
  /** Perplexity per token, teacher-forced. */
  readonly floatPerplexity: number
  readonly integerPerplexity: number
  /** Share of positions where both rank the same token first. */
  readonly argmaxAgreement: number
  readonly positions: number
}

/** Both models over `tokens`, in windows of the context. */
export function measureQuality(model: FloatModel, engine: Engine, tokens: readonly number[]): Quality {
  let [float, integer, equal, positions] = [0, 0, 0, 0]
  const { context } = engine.config
  for (let start = 0; start < tokens.length; start += context) {
    const session = engine.start()
    const reference = new FloatReference(model)
    const window = tokens.slice(start, start + context)
    for (const [i, token] of window.entries()) {
      const [a, b] = [reference.step(token), Float64Array.from(session.append([token]), (logit) => logit / 65_536)]
      const next = window[i + 1]
      if (next === undefined) break
      float -= Math.log(softmax(a)[next] ?? 0)
      integer -= Math.log(softmax(b)[next] ?? 0)
      if (argmax(a) === argmax(b)) equal++
      positions++
    }
    session.close()
  }
  return {
    floatPerplexity: Math.exp(float / positions),
    integerPerplexity: Math.exp(integer / positions),
    argmaxAgreement: equal / positions,
    positions,
  }
}

function argmax(list: Float64Array): number {
  return list.reduce((best, value, i) => (value > (list[best] ?? 0) ? i : best), 0)
}
