import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { CheckKernels } from './check-kernels.ts'
import type { RecordHasher } from './record-hasher.ts'

/** Kernels that a compiled addon has, too. Each returns false, having done nothing that counts, where a magnitude might not fit. */
export const nativeNames = [
  'dotRows',
  'dotInputs',
  'norms',
  'quantiseRows',
  'swiGluRows',
  'addRows',
  'rotateRows',
  'attendRows',
] as const satisfies readonly (keyof CheckKernels)[]

type Native<F> = F extends (...given: infer Given) => unknown
  ? (memory: ArrayBuffer, ...given: Given) => boolean
  : never

/** The addon of `native/`: kernels in instructions that WebAssembly has not, and trees of several hashes at once. */
export type NativeKernels = RecordHasher & {
  readonly [Name in (typeof nativeNames)[number]]: Native<CheckKernels[Name]>
} & {
  /** Of accumulators where they were sent to: `x` is a place of `records`. */
  takeRows(memory: ArrayBuffer, records: Uint8Array, ...given: Parameters<CheckKernels['takeRows']>): boolean
}

const folder = join(import.meta.dirname, 'native')

/** Its sources and the compiler's flags, by name. */
export function nativeSources(): readonly string[] {
  return readdirSync(folder)
    .filter((name) => /\.(?:cpp|hpp|json)$/.test(name))
    .sort()
    .map((name) => join(folder, name))
}

/** Where it lies when built of these very sources: one of other sources is never loaded. */
export function nativeFile(): string {
  const hash = createHash('sha256')
  for (const source of nativeSources()) hash.update(readFileSync(source)).update('\0')
  return join(folder, 'build', `${process.platform}-${process.arch}-${hash.digest('hex').slice(0, 16)}.node`)
}

/**
 * The addon; undefined where it was not built, the processor lacks what it needs, or `OPENLEDGER_KERNELS=wasm` says so. Bits are the
 * same with and without.
 */
export function nativeKernels(): NativeKernels | undefined {
  if (process.env['OPENLEDGER_KERNELS'] === 'wasm') return undefined
  loaded ??= { kernels: load() }
  return loaded.kernels
}

let loaded: { readonly kernels: NativeKernels | undefined } | undefined

function load(): NativeKernels | undefined {
  const file = nativeFile()
  if (!existsSync(file)) return undefined
  try {
    const exports = createRequire(import.meta.url)(file) as Partial<NativeKernels>
    return exports.takeRows === undefined ? undefined : (exports as NativeKernels)
  } catch {
    // Built where the system's libraries are others: as if there were none, which `openledger_checkerStatus` tells.
    return undefined
  }
}
