import { FloatMemory } from '../../inference/gradients/float-memory.ts'
import { loadGradientKernels } from '../../inference/gradients/gradient-kernels.ts'
import type { Projection } from './projection.ts'
import { largestOf, quantise, sketchStep } from './quantise.ts'

/**
 * DataInf of every example, block by block: with s_i the committed sketches of n examples, whose λ is step²,
 * `u_k = s_k − 1/n Σ_i (s_i·s_k) / (step² + |s_i|²) s_i`, then rounded to int16 with one power of two for all. Inner products are exact;
 * coefficients are doubles rounded to floats; sums over i are the kernels', in order.
 */
export function influencesOf(gradients: Int16Array, { parts, size }: Projection, step: number): Int16Array {
  const count = gradients.length / size
  const memory = new FloatMemory()
  const kernels = loadGradientKernels(memory.memory)
  const widest = parts.reduce((most, { start, end }) => Math.max(most, end - start), 0)
  const [sketches, floats] = [memory.take(2 * count * widest), memory.takeFloats(count * widest)]
  const [dots, coefficients] = [memory.take(8 * count), memory.takeFloats(count * count)]
  const out = memory.takeFloats(count * widest)
  const influences = new Float32Array(gradients.length)
  for (const { start, end } of parts) {
    const width = end - start
    for (let k = 0; k < count; k++) {
      const part = gradients.subarray(k * size + start, k * size + end)
      memory.write(sketches + 2 * k * width, part)
      memory.floats(floats + 4 * k * width, width).set(part)
    }
    for (let i = 0; i < count; i++) {
      kernels.dotSketches(sketches + 2 * i * width, sketches, count, width, dots)
      const row = Float64Array.from(memory.int64(dots, count), Number)
      const factor = -1 / (count * (step * step + (row[i] as number)))
      // Column i: the products are the same both ways.
      const column = memory.floats(coefficients, count * count)
      for (let k = 0; k < count; k++) column[k * count + i] = (row[k] as number) * factor + (k === i ? 1 : 0)
    }
    kernels.multiply(coefficients, count, floats, width, 8, out, width, count, count, width, false)
    for (let k = 0; k < count; k++) influences.set(memory.floats(out + 4 * k * width, width), k * size + start)
  }
  return quantise(influences, sketchStep(largestOf(influences)))
}
