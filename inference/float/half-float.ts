/** Bits of the half-precision number nearest to `value`, ties to even; IEEE 754 binary16. `value` is within its range. */
export function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (size === 0) return sign
  const exponent = Math.max(-14, Math.floor(Math.log2(size)))
  // In units of the last place; a carry runs over into the exponent.
  const units = roundEven(size / 2 ** (exponent - 10))
  return sign + (units < 1024 ? units : (exponent + 14) * 1024 + units)
}

function roundEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}
