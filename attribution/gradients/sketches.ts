import { GradientError } from './gradient-error.ts'
import { influencesOf } from './influences.ts'
import type { Projection } from './projection.ts'
import { largestOf, quantise, sketchStep } from './quantise.ts'

/** What a training commits to beside its adapter, by which answers are attributed. docs/GRADIENTS.md §5, §6. */
export type Sketches = {
  /** Numbers of one sketch. */
  readonly size: number
  /** 1/√λ of each block, float32: what projections are multiplied by. */
  readonly scales: Float32Array
  /** What the scaled projections were multiplied by before they were rounded: a power of two. */
  readonly step: number
  /** Of each example: who contributed it. */
  readonly contributions: readonly bigint[]
  /** Example after example. */
  readonly gradients: Int16Array
  /** The gradients behind DataInf's inverse: what a query's sketch is multiplied with. */
  readonly influences: Int16Array
}

/** Examples of one adapter that are sketched: all pairs of them are multiplied. */
export const sketchedMax = 4096
/** λ of a block is this share of the mean squared gradient of its parameters (Kwon et al., 2024). */
export const damping = 0.1

/** Sketches of the examples' gradients, in order. Throws {@link GradientError} for none or too many. */
export function makeSketches(
  projection: Projection,
  examples: Iterable<{ readonly contribution: bigint; readonly gradient: Float32Array }>,
): Sketches {
  const { size, parts } = projection
  const contributions: bigint[] = []
  const projected: Float64Array[] = []
  const squares = new Float64Array(parts.length)
  for (const { contribution, gradient } of examples) {
    if (contributions.length === sketchedMax) throw new GradientError('size', `more than ${sketchedMax} examples`)
    contributions.push(contribution)
    projected.push(projection.project(gradient))
    for (const [b, { from, to }] of parts.entries()) squares[b] = (squares[b] as number) + squareOf(gradient, from, to)
  }
  if (contributions.length === 0) throw new GradientError('size', 'no examples')
  const scales = Float32Array.from(parts, ({ from, to }, b) => {
    const lambda = (damping * (squares[b] as number)) / (contributions.length * (to - from))
    return lambda > 0 ? 1 / Math.sqrt(lambda) : 0
  })
  for (const values of projected) scaleParts(projection, scales, values)
  const step = sketchStep(projected.reduce((largest, values) => Math.max(largest, largestOf(values)), 0))
  const gradients = new Int16Array(projected.length * size)
  for (const [k, values] of projected.entries()) gradients.set(quantise(values, step), k * size)
  return { size, scales, step, contributions, gradients, influences: influencesOf(gradients, projection, step) }
}

/** Multiplies each block's part by its scale. */
export function scaleParts({ parts }: Projection, scales: Float32Array, values: Float64Array): void {
  for (const [b, { start, end }] of parts.entries()) {
    for (let i = start; i < end; i++) values[i] = (values[i] as number) * (scales[b] as number)
  }
}

/** Summed in doubles, in order. */
function squareOf(gradient: Float32Array, from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += (gradient[i] as number) * (gradient[i] as number)
  return sum
}
