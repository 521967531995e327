/** Compiles the native kernels of checks; `npm ci` does it. Run: npm run build:native */
import { compileNative } from './compile-native.ts'

const compiled = await compileNative()
process.stdout.write(
  'file' in compiled
    ? `native kernels: ${compiled.file}\n`
    : `no native kernels, checks run in WebAssembly: ${compiled.reason}\n`,
)
