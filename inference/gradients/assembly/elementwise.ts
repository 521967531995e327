import { sigmoid4 } from './exp-log'

/** RMS norm of `rows` rows of n; the inverse of each row's length goes to `inverses`. Squares are summed in doubles, in order. */
export function normForward(x: usize, weight: usize, rows: i32, n: i32, epsilon: f64, out: usize, inverses: usize): void {
  const bytes = <usize>n << 2
  for (let row = 0; row < rows; row++) {
    let squares: f64 = 0
    for (let i: usize = 0; i < bytes; i += 4) squares += <f64>load<f32>(x + i) * <f64>load<f32>(x + i)
    const inverse = <f32>(1.0 / sqrt<f64>(squares / <f64>n + epsilon))
    store<f32>(inverses + (<usize>row << 2), inverse)
    for (let i: usize = 0; i < bytes; i += 4) store<f32>(out + i, load<f32>(x + i) * inverse * load<f32>(weight + i))
    x += bytes
    out += bytes
  }
}

/** Adds the gradient of the norm's input to `dx`. */
export function normBackward(x: usize, weight: usize, inverses: usize, dOut: usize, rows: i32, n: i32, dx: usize): void {
  const bytes = <usize>n << 2
  for (let row = 0; row < rows; row++) {
    const inverse = load<f32>(inverses + (<usize>row << 2))
    let dot: f64 = 0
    for (let i: usize = 0; i < bytes; i += 4) {
      dot += <f64>(load<f32>(dOut + i) * load<f32>(weight + i)) * <f64>load<f32>(x + i)
    }
    const factor = <f32>((dot / <f64>n) * <f64>inverse * <f64>inverse)
    for (let i: usize = 0; i < bytes; i += 4) {
      const part = load<f32>(dOut + i) * load<f32>(weight + i) - load<f32>(x + i) * factor
      store<f32>(dx + i, load<f32>(dx + i) + inverse * part)
    }
    x += bytes
    dOut += bytes
    dx += bytes
  }
}

/** Turns heads of 2·half in place by each row's angles; `sign` -1 turns back. half is a multiple of 4. */
export function rotate(x: usize, cos: usize, sin: usize, rows: i32, heads: i32, half: i32, sign: f32): void {
  const halfBytes = <usize>half << 2
  const signs = f32x4.splat(sign)
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      for (let i: usize = 0; i < halfBytes; i += 16) {
        const a = v128.load(x + i)
        const b = v128.load(x + halfBytes + i)
        const c = v128.load(cos + i)
        const s = f32x4.mul(v128.load(sin + i), signs)
        v128.store(x + i, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)))
        v128.store(x + halfBytes + i, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)))
      }
      x += halfBytes << 1
    }
    cos += halfBytes
    sin += halfBytes
  }
}

/** out = gate · sigmoid(gate) · up, n a multiple of 4. */
export function swiGluForward(gate: usize, up: usize, n: i32, out: usize): void {
  const bytes = <usize>n << 2
  for (let i: usize = 0; i < bytes; i += 16) {
    const g = v128.load(gate + i)
    v128.store(out + i, f32x4.mul(f32x4.mul(g, sigmoid4(g)), v128.load(up + i)))
  }
}

/** Gradients of gate and up take their place. */
export function swiGluBackward(gate: usize, up: usize, dOut: usize, n: i32): void {
  const bytes = <usize>n << 2
  const one = f32x4.splat(1)
  for (let i: usize = 0; i < bytes; i += 16) {
    const g = v128.load(gate + i)
    const u = v128.load(up + i)
    const d = v128.load(dOut + i)
    const s = sigmoid4(g)
    const slope = f32x4.mul(s, f32x4.add(one, f32x4.mul(g, f32x4.sub(one, s))))
    v128.store(up + i, f32x4.mul(d, f32x4.mul(g, s)))
    v128.store(gate + i, f32x4.mul(f32x4.mul(d, u), slope))
  }
}

/** y += x, n a multiple of 4. */
export function addTo(x: usize, y: usize, n: i32): void {
  const bytes = <usize>n << 2
  for (let i: usize = 0; i < bytes; i += 16) v128.store(y + i, f32x4.add(v128.load(y + i), v128.load(x + i)))
}

/** out[columns × rows] of x[rows × columns]; strides count elements. */
export function transpose(x: usize, stride: i32, rows: i32, columns: i32, out: usize, strideOut: i32): void {
  for (let row = 0; row < rows; row++) {
    const from = x + ((<usize>row * <usize>stride) << 2)
    let to = out + (<usize>row << 2)
    for (let column = 0; column < columns; column++) {
      store<f32>(to, load<f32>(from + (<usize>column << 2)))
      to += <usize>strideOut << 2
    }
  }
}
