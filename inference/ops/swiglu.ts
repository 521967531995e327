import { int32Max, roundShift, roundShiftBig, saturate, saturateBig } from '../integer.ts'
import { sigmoid } from '../tables.ts'

/** `gate · σ(gate) · up`, all Q16. docs/canonical-inference.md §5.7. */
export function swiGlu(gate: Int32Array, up: Int32Array, sigmoidTable: Uint32Array): Int32Array {
  return gate.map((g, i) => {
    const silu = roundShift(g * sigmoid(sigmoidTable, g), 16)
    return saturateBig(roundShiftBig(BigInt(silu) * BigInt(up[i] ?? 0), 16))
  })
}

/** The residual stream's addition. */
export function add(x: Int32Array, y: Int32Array): Int32Array {
  return x.map((value, i) => saturate(value + (y[i] ?? 0), int32Max))
}
