import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compileKernels, kernelsFile } from '../../scripts/compile-kernels.ts'

test('the committed kernels are what their sources compile to', async () => {
  expect(Buffer.from(await compileKernels()).equals(readFileSync(kernelsFile))).toBe(true)
}, 60_000)
