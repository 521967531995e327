import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import asc from 'assemblyscript/asc'

/** The committed kernels; a test compiles them again and compares. */
export const kernelsFile = join(import.meta.dirname, '../inference/wasm/kernels.wasm')

const assembly = join(import.meta.dirname, '../inference/wasm/assembly')
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
export async function compileKernels(): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined
  const { error, stderr } = await asc.main(['index.ts', ...options], {
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
