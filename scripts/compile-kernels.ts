import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import asc from 'assemblyscript/asc'

/** A module: its sources, whose first is index.ts, and the committed file; a test compiles each again and compares. */
type KernelModule = {
  readonly assembly: string
  readonly file: string
  /** What its memory is, where that is not the default. */
  readonly memory?: readonly string[]
}

/** A memory that threads share has a greatest size: 4 GiB. */
const sharedMemory = ['--enable', 'threads', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536']

const inference = join(import.meta.dirname, '../inference')
const suffix = join(import.meta.dirname, '../attribution/suffix')
export const kernelModules: readonly KernelModule[] = [
  {
    assembly: join(inference, 'wasm/assembly'),
    file: join(inference, 'wasm/kernels.wasm'),
    memory: sharedMemory,
  },
  { assembly: join(inference, 'check/assembly'), file: join(inference, 'check/check-kernels.wasm') },
  { assembly: join(inference, 'gradients/assembly'), file: join(inference, 'gradients/gradient-kernels.wasm') },
  { assembly: join(suffix, 'assembly'), file: join(suffix, 'suffix-kernels.wasm') },
]
/** Memory comes from outside and nothing in it belongs to the kernels: no runtime, no static data, no abort. */
const options = [
  '--outFile',
  'kernels.wasm',
  '-O3',
  '--noAssert',
  '--runtime',
  'stub',
  '--importMemory',
  '--enable',
  'simd',
  '--use',
  'abort=',
] // prettier-ignore

/** Same sources, same compiler, same bytes. Throws with the compiler's report for sources with an error. */
export async function compileKernels({ assembly, memory = [] }: KernelModule): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined
  const { error, stderr } = await asc.main(['index.ts', ...options, ...memory], {
    readFile: (name) => {
      try {
        return readFileSync(join(assembly, name), 'utf8')
      } catch {
        return null
      }
    },
    writeFile: (_, contents) => {
      if (typeof contents !== 'string') bytes = contents
    },
    listFiles: () => [],
  })
  if (error !== null || bytes === undefined) throw new Error(`kernels do not compile:\n${stderr.toString()}`)
  return bytes
}
