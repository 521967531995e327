/** Compiles the WebAssembly modules. Run: npm run build:kernels */
import { writeFileSync } from 'node:fs'
import { compileKernels, kernelModules } from './compile-kernels.ts'

for (const module of kernelModules) {
  const bytes = await compileKernels(module)
  writeFileSync(module.file, bytes)
  process.stdout.write(`${module.file}: ${bytes.length} bytes\n`)
}
