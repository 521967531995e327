import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The functions of inference/wasm/assembly; arguments are addresses and counts. */
export type Kernels = {
  embed(weights: number, scales: number, token: number, columns: number, out: number): void
  rmsNorm(x: number, weight: number, epsilon: number, n: number, out: number): void
  quantise(x: number, n: number, out: number, scale: number, inputMax: number): void
  multiply(
    weights: number,
    inputs: number,
    out: number,
    rows: number,
    columns: number,
    tokens: number,
    stride: number,
  ): void
  dequantise(accumulators: number, scales: number, scale: number, out: number, n: number): void
  addDequantised(accumulators: number, scales: number, scale: number, weight: number, y: number, n: number): void
  rope(x: number, cos: number, sin: number, heads: number, half: number, out: number, stride: number): void
  narrow(x: number, heads: number, headDim: number, out: number, stride: number): void
  attend(
    query: number,
    pages: number,
    keys: number,
    values: number,
    count: number,
    headDim: number,
    tilePositions: number,
    table: number,
    multiplier: number,
    shift: number,
    scratch: number,
    tiles: number,
  ): void
  join(tiles: number, count: number, headDim: number, table: number, out: number): void
  swiGlu(gate: number, up: number, table: number, n: number, out: number): void
  add(x: number, y: number, n: number, out: number): void
}

/** The committed kernels over a memory, which is shared. */
export function loadKernels(memory: WebAssembly.Memory): Kernels {
  compiled ??= new WebAssembly.Module(readFileSync(join(import.meta.dirname, 'kernels.wasm')))
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as Kernels
}

let compiled: WebAssembly.Module | undefined
