/**
 * out[rows × n] = a[rows × k] · b[k × n], or added to what out has: every element is summed by itself in the order of k, one
 * product and one addition at a time. n is a multiple of 8. Strides count elements; b is read in panels of 8 columns,
 * `panel` apart, its rows `strideB` apart.
 */
export function multiply(
  a: usize,
  strideA: i32,
  b: usize,
  strideB: i32,
  panel: i32,
  out: usize,
  strideOut: i32,
  rows: i32,
  k: i32,
  n: i32,
  add: bool,
): void {
  const lineA = <usize>strideA << 2
  const lineB = <usize>strideB << 2
  const lineOut = <usize>strideOut << 2
  for (let column = 0; column < n; column += 8) {
    let from = a
    let to = out + (<usize>column << 2)
    let row = 0
    for (; row + 4 <= rows; row += 4) {
      tile(from, lineA, b, lineB, to, lineOut, k, add)
      from += lineA << 2
      to += lineOut << 2
    }
    for (; row < rows; row++) {
      line(from, b, lineB, to, k, add)
      from += lineA
      to += lineOut
    }
    b += <usize>panel << 2
  }
}

/** 4 rows by 8 columns. */
@inline
function tile(a: usize, lineA: usize, b: usize, lineB: usize, out: usize, lineOut: usize, k: i32, add: bool): void {
  const out1 = out + lineOut
  const out2 = out1 + lineOut
  const out3 = out2 + lineOut
  const zero = f32x4.splat(0)
  let s0 = add ? v128.load(out) : zero
  let t0 = add ? v128.load(out, 16) : zero
  let s1 = add ? v128.load(out1) : zero
  let t1 = add ? v128.load(out1, 16) : zero
  let s2 = add ? v128.load(out2) : zero
  let t2 = add ? v128.load(out2, 16) : zero
  let s3 = add ? v128.load(out3) : zero
  let t3 = add ? v128.load(out3, 16) : zero
  const end = a + (<usize>k << 2)
  const line2 = lineA << 1
  const line3 = line2 + lineA
  for (; a < end; a += 4) {
    const low = v128.load(b)
    const high = v128.load(b, 16)
    const a0 = v128.load32_splat(a)
    s0 = f32x4.add(s0, f32x4.mul(a0, low))
    t0 = f32x4.add(t0, f32x4.mul(a0, high))
    const a1 = v128.load32_splat(a + lineA)
    s1 = f32x4.add(s1, f32x4.mul(a1, low))
    t1 = f32x4.add(t1, f32x4.mul(a1, high))
    const a2 = v128.load32_splat(a + line2)
    s2 = f32x4.add(s2, f32x4.mul(a2, low))
    t2 = f32x4.add(t2, f32x4.mul(a2, high))
    const a3 = v128.load32_splat(a + line3)
    s3 = f32x4.add(s3, f32x4.mul(a3, low))
    t3 = f32x4.add(t3, f32x4.mul(a3, high))
    b += lineB
  }
  v128.store(out, s0)
  v128.store(out, t0, 16)
  v128.store(out1, s1)
  v128.store(out1, t1, 16)
  v128.store(out2, s2)
  v128.store(out2, t2, 16)
  v128.store(out3, s3)
  v128.store(out3, t3, 16)
}

/** 1 row by 8 columns. */
@inline
function line(a: usize, b: usize, lineB: usize, out: usize, k: i32, add: bool): void {
  let s = add ? v128.load(out) : f32x4.splat(0)
  let t = add ? v128.load(out, 16) : f32x4.splat(0)
  const end = a + (<usize>k << 2)
  for (; a < end; a += 4) {
    const value = v128.load32_splat(a)
    s = f32x4.add(s, f32x4.mul(value, v128.load(b)))
    t = f32x4.add(t, f32x4.mul(value, v128.load(b, 16)))
    b += lineB
  }
  v128.store(out, s)
  v128.store(out, t, 16)
}
