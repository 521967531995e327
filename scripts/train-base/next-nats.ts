import type { Engine, SessionOptions } from '../../inference/engine.ts'
import { softmax } from '../../inference/float/reference.ts'

/** Nats of all tokens behind the first, each from those before it. */
export function nextNats(engine: Engine, tokens: readonly number[], options: SessionOptions = {}): number {
  const session = engine.start(options)
  let nats = 0
  for (let i = 0; i + 1 < tokens.length; i++) {
    const logits = Float64Array.from(session.append(tokens.slice(i, i + 1)), (logit) => logit / 65_536)
    nats -= Math.log(softmax(logits)[tokens[i + 1] ?? 0] ?? 0)
  }
  session.close()
  return nats
}
