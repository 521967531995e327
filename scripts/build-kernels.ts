/** Compiles inference/wasm/assembly into inference/wasm/kernels.wasm. Run: npm run build:kernels */
import { writeFileSync } from 'node:fs'
import { compileKernels, kernelsFile } from './compile-kernels.ts'

const bytes = await compileKernels()
writeFileSync(kernelsFile, bytes)
process.stdout.write(`${kernelsFile}: ${bytes.length} bytes\n`)
