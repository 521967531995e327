import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compileKernels, kernelModules } from '../../scripts/compile-kernels.ts'

test.each(kernelModules)(
  'the committed $file is what its sources compile to',
  async (module) => {
    expect(Buffer.from(await compileKernels(module)).equals(readFileSync(module.file))).toBe(true)
  },
  60_000,
)
