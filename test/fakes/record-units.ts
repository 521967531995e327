import { type InputMax, narrowInput } from '../../inference/model-config.ts'
import { type Trace, unitBytes } from '../../inference/trace.ts'

/** A trace that keeps every unit of a model with inputs up to `inputMax` by name, and throws for one that comes twice. */
export function recordUnits(into: Map<string, string>, inputMax: InputMax = narrowInput): Trace {
  return ({ op, layer, position, part }, values) => {
    const name = `${position} ${layer} ${op} ${part}`
    if (into.has(name)) throw new Error(`${name} twice`)
    into.set(name, Buffer.from(unitBytes(op, values, inputMax)).toString('hex'))
  }
}
