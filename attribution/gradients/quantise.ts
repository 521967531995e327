/** Largest magnitude of a sketch's numbers. */
export const sketchMax = 32_767

/** The greatest power of two by which every value stays within {@link sketchMax}; 1 where all are zero. */
export function sketchStep(largest: number): number {
  if (!(largest > 0)) return 1
  let step = 1
  while (largest * step * 2 <= sketchMax) step *= 2
  while (largest * step > sketchMax) step /= 2
  return step
}

export function largestOf(values: Float64Array | Float32Array): number {
  let largest = 0
  for (const value of values) largest = Math.max(largest, Math.abs(value))
  return largest
}

/** value · step, rounded to the nearest integer, halves upwards. */
export function quantise(values: Float64Array | Float32Array, step: number): Int16Array {
  const out = new Int16Array(values.length)
  for (let i = 0; i < values.length; i++) out[i] = Math.floor((values[i] as number) * step + 0.5)
  return out
}
