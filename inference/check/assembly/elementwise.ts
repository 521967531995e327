import { add, rmsNorm, swiGlu } from '../../wasm/assembly/elementwise'
import { roundShift, saturate32 } from '../../wasm/assembly/integer'
import { quantise } from '../../wasm/assembly/linear'
import { topLane } from '../../wasm/assembly/simd'

/**
 * The rules of docs/canonical-inference.md §5 four elements at a time, for the magnitudes that occur; where an intermediate
 * might not fit, the plain kernels of the engine do it. Same bits either way.
 */

/** §5.1: `positions` × n Q16 at `x`. n is a multiple of 4. */
export function norms(x: usize, positions: i32, weight: usize, epsilon: i32, n: i32, out: usize): void {
  const line = <usize>n << 2
  for (let i = 0; i < positions; i++) {
    rmsNorm(x, weight, epsilon, n, out)
    x += line
    out += line
  }
}

/** §5.2: `positions` × n Q16 at `x` to int16 up to `inputMax`; mantissas and exponents at `scale`. n is a multiple of 8. */
export function quantiseRows(x: usize, positions: i32, n: i32, out: usize, scale: usize, inputMax: i32): void {
  for (let i = 0; i < positions; i++) {
    quantise(x, n, out, scale, inputMax)
    x += <usize>n << 2
    out += <usize>n << 1
    scale += 8
  }
}

/** §5.7: `positions` × n of each; n is a multiple of 4. `out` may not overlap them. */
export function swiGluRows(gate: usize, up: usize, positions: i32, table: usize, n: i32, out: usize): void {
  const line = <usize>n << 2
  for (let i = 0; i < positions; i++) {
    swiGlu(gate, up, table, n, out)
    gate += line
    up += line
    out += line
  }
}

/** x ← sat32(x + y), n int32 above −2^31, n a multiple of 4. */
export function addRows(x: usize, y: usize, n: i32): void {
  add(x, y, n, x)
}

/** The lowest index of the largest of n int32. */
export function argmax(x: usize, n: i32): i32 {
  let top = i32x4.splat(i32.MIN_VALUE)
  const whole = n & ~3
  for (let i = 0; i < whole; i += 4) top = i32x4.max_s(top, v128.load(x + (<usize>i << 2)))
  let most = topLane(top)
  for (let i = whole; i < n; i++) most = max<i32>(most, load<i32>(x + (<usize>i << 2)))
  const wanted = i32x4.splat(most)
  let i = 0
  while (i < whole && !v128.any_true(i32x4.eq(v128.load(x + (<usize>i << 2)), wanted))) i += 4
  while (load<i32>(x + (<usize>i << 2)) != most) i++
  return i
}

/** §5.9: x ← sat32(x + rsh(y · weight, 16)), n int32 each. */
export function addWeighted(x: usize, y: usize, weight: i32, n: i32): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 2
    const sum = <i64>load<i32>(x + at) + roundShift(<i64>load<i32>(y + at) * <i64>weight, 16)
    store<i32>(x + at, saturate32(sum))
  }
}
