import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The functions of attribution/suffix/assembly; arguments are addresses, counts and sizes in bytes. */
export type SuffixKernels = {
  countTokens(tokens: number, n: number, starts: number, vocab: number): number
  sortSuffixes(
    tokens: number,
    n: number,
    vocab: number,
    order: number,
    starts: number,
    counts: number,
    keyed: number,
    scratch: number,
    spare: number,
  ): void
  hashLeaves(
    chunks: number,
    count: number,
    size: number,
    first: number,
    constants: number,
    scratch: number,
    out: number,
  ): void
  hashNodes(pairs: number, count: number, constants: number, scratch: number, out: number): void
}

/** Bytes of a page of WebAssembly's memory. */
export const pageBytes = 65_536
/** WebAssembly addresses have 32 bits. */
export const memoryBytesMax = 2 ** 32

/** The committed kernels over a memory. */
export function loadSuffixKernels(memory: WebAssembly.Memory): SuffixKernels {
  compiled ??= new WebAssembly.Module(readFileSync(join(import.meta.dirname, 'suffix-kernels.wasm')))
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as SuffixKernels
}

let compiled: WebAssembly.Module | undefined
