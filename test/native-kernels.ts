import { existsSync } from 'node:fs'
import { nativeFile } from '../inference/check/native-kernels.ts'
import { compileNative } from '../scripts/compile-native.ts'

/** A checkout whose sources are not those that were installed tests its own kernels. */
export async function setup(): Promise<void> {
  if (existsSync(nativeFile())) return
  const compiled = await compileNative()
  if ('reason' in compiled) process.stderr.write(`no native kernels: ${compiled.reason}\n`)
}
