import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nativeKernels, nativeNames } from './native-kernels.ts'

/** The functions of inference/check/assembly; arguments are addresses, counts and strides in bytes. */
export type CheckKernels = {
  /** `takeRows` of accumulators outside of the memory, where there is an addon: `x` is their place. False: nothing was done. */
  takeSent?(records: Uint8Array, ...given: Parameters<CheckKernels['takeRows']>): boolean
  dotRows(y: number, stride: number, positions: number, r: number, n: number, every: number, out: number): void
  dotInputs(q: number, positions: number, u: number, columns: number, span: number, out: number): void
  pairRows(weights: number, rows: number, columns: number, out: number): void
  accumulate(paired: number, pairs: number, columns: number, digits: number, sums: number): void
  residues(sums: number, n: number): void
  widen(x: number, width: number, n: number, out: number): void
  norms(x: number, positions: number, weight: number, epsilon: number, n: number, out: number): void
  quantiseRows(x: number, positions: number, n: number, out: number, scale: number, inputMax: number): void
  takeRows(
    x: number,
    width: number,
    stride: number,
    positions: number,
    r: number,
    n: number,
    every: number,
    scales: number,
    factors: number,
    shift: number,
    accMax: number,
    largest: number,
    scale: number,
    sums: number,
    isFirst: number,
    out: number,
  ): void
  settleRows(sums: number, positions: number, out: number): void
  dequantiseRows(x: number, positions: number, scales: number, scale: number, n: number, out: number): void
  swiGluRows(gate: number, up: number, positions: number, table: number, n: number, out: number): void
  addRows(x: number, y: number, n: number): void
  addWeighted(x: number, y: number, weight: number, n: number): void
  rotateRows(
    x: number,
    cos: number,
    sin: number,
    positions: number,
    heads: number,
    half: number,
    out: number,
    line: number,
    stride: number,
  ): void
  cacheValueRows(
    x: number,
    positions: number,
    heads: number,
    headDim: number,
    position: number,
    out: number,
    stride: number,
    tops: number,
  ): void
  measureKeys(keys: number, positions: number, heads: number, headDim: number, stride: number, tops: number): void
  attendRows(
    queries: number,
    keys: number,
    values: number,
    stride: number,
    keyTops: number,
    valueTops: number,
    position: number,
    positions: number,
    heads: number,
    kvHeads: number,
    headDim: number,
    tilePositions: number,
    table: number,
    multiplier: number,
    shift: number,
    scratch: number,
    out: number,
  ): void
  argmax(x: number, n: number): number
  embed(weights: number, scales: number, token: number, columns: number, out: number): void
  multiply(
    weights: number,
    inputs: number,
    out: number,
    rows: number,
    columns: number,
    tokens: number,
    stride: number,
  ): void
}

/** The committed kernels over a memory. */
export function loadWasmKernels(memory: WebAssembly.Memory): CheckKernels {
  compiled ??= new WebAssembly.Module(readFileSync(join(import.meta.dirname, 'check-kernels.wasm')))
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as CheckKernels
}

/** Those, and before each the addon's where there is one: it does what fits it. */
export function loadCheckKernels(memory: WebAssembly.Memory): CheckKernels {
  const [wasm, native] = [loadWasmKernels(memory), nativeKernels()]
  if (native === undefined) return wasm
  const both = nativeNames.map((name) => {
    const [quick, plain] = [native[name], wasm[name]] as [Kernel, Kernel]
    return [name, (...given: number[]) => quick(memory.buffer, ...given) || plain(...given)]
  })
  return {
    ...wasm,
    ...Object.fromEntries(both),
    takeSent: (records, ...given) => native.takeRows(memory.buffer, records, ...given),
  }
}

type Kernel = (...given: unknown[]) => unknown

let compiled: WebAssembly.Module | undefined
