/**
 * e^x of four floats, by additions, multiplications and rounding to integers alone, so that it is the same everywhere. x is cut
 * to -87 … 88. docs/GRADIENTS.md §2.
 */
@inline
export function exp4(x: v128): v128 {
  const cut = f32x4.max(f32x4.splat(-87), f32x4.min(f32x4.splat(88), x))
  const whole = f32x4.nearest(f32x4.mul(cut, f32x4.splat(1.44269504)))
  // ln 2 in two parts, the first of which has few bits: its product with an integer is exact.
  let r = f32x4.sub(cut, f32x4.mul(whole, f32x4.splat(0.693359375)))
  r = f32x4.sub(r, f32x4.mul(whole, f32x4.splat(-0.00021219444)))
  let sum = f32x4.splat(1.0 / 5040.0)
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1.0 / 720.0))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1.0 / 120.0))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1.0 / 24.0))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1.0 / 6.0))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(0.5))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1))
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1))
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(whole), i32x4.splat(127)), 23)
  return f32x4.mul(sum, power)
}

/** ln x of a positive normal double: of the mantissa by the series of artanh, plus the exponent's part. */
@inline
export function log(x: f64): f64 {
  const bits = reinterpret<i64>(x)
  let exponent = <i32>(bits >> 52) - 1023
  let mantissa = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000)
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5
    exponent++
  }
  const s = (mantissa - 1) / (mantissa + 1)
  const z = s * s
  let sum: f64 = 1.0 / 17.0
  sum = sum * z + 1.0 / 15.0
  sum = sum * z + 1.0 / 13.0
  sum = sum * z + 1.0 / 11.0
  sum = sum * z + 1.0 / 9.0
  sum = sum * z + 1.0 / 7.0
  sum = sum * z + 1.0 / 5.0
  sum = sum * z + 1.0 / 3.0
  sum = sum * z + 1.0
  return 2.0 * s * sum + <f64>exponent * 0.6931471805599453
}

/** 1 / (1 + e^-x). */
@inline
export function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1)
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x))))
}
