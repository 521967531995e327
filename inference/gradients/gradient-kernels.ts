import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The functions of inference/gradients/assembly; arguments are addresses, counts, strides in elements and reals. */
export type GradientKernels = {
  multiply(
    a: number,
    strideA: number,
    b: number,
    strideB: number,
    panel: number,
    out: number,
    strideOut: number,
    rows: number,
    k: number,
    n: number,
    add: boolean,
  ): void
  normForward(x: number, weight: number, rows: number, n: number, epsilon: number, out: number, inverses: number): void
  normBackward(x: number, weight: number, inverses: number, dOut: number, rows: number, n: number, dx: number): void
  rotate(x: number, cos: number, sin: number, rows: number, heads: number, half: number, sign: number): void
  swiGluForward(gate: number, up: number, n: number, out: number): void
  swiGluBackward(gate: number, up: number, dOut: number, n: number): void
  addTo(x: number, y: number, n: number): void
  transpose(x: number, stride: number, rows: number, columns: number, out: number, strideOut: number): void
  causalSoftmax(scores: number, stride: number, rows: number, scale: number): void
  softmaxBackward(probabilities: number, gradients: number, stride: number, rows: number, scale: number): void
  crossEntropy(logits: number, vocab: number, target: number, weight: number): number
  dotSketches(query: number, vectors: number, rows: number, n: number, out: number): void
  adamStep(
    weights: number,
    gradients: number,
    first: number,
    second: number,
    n: number,
    rate: number,
    beta1: number,
    beta2: number,
    correct1: number,
    correct2: number,
    epsilon: number,
    decay: number,
  ): void
}

const file = join(import.meta.dirname, 'gradient-kernels.wasm')

/** The committed kernels over a memory. */
export function loadGradientKernels(memory: WebAssembly.Memory): GradientKernels {
  compiled ??= new WebAssembly.Module(gradientKernelBytes())
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as GradientKernels
}

/** What computes every float of a training; its hash names the engine. */
export function gradientKernelBytes(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(file))
}

let compiled: WebAssembly.Module | undefined
