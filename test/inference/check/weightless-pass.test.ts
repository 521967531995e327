import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesSource } from '../../../inference/check/model-source.ts'
import { SecretPool } from '../../../inference/check/pool.ts'
import { recordWords, WeightlessPass } from '../../../inference/check/weightless-pass.ts'
import type { CanonicalModel } from '../../../inference/model.ts'
import { type ModelConfig, scoreScale } from '../../../inference/model-config.ts'
import { encodeModel, modelRoot } from '../../../inference/model-file.ts'
import { Oracle } from '../../../inference/oracle.ts'
import { randomModel, smallConfig } from '../../fakes/random-model.ts'
import { encodeAccumulators, sentTrace } from '../../fakes/sent-trace.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pool-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function passOf(model: CanonicalModel): Promise<WeightlessPass> {
  const pool = await SecretPool.open({ folder, root: modelRoot(model), pairs: 1 }, async () =>
    bytesSource(encodeModel(model)),
  )
  return new WeightlessPass(pool.kept, await pool.take(1))
}

const shapes: readonly ModelConfig[] = [
  smallConfig,
  { ...smallConfig, vocab: 47, tiedHead: false, kvHeads: 4, layers: 1 },
  { ...smallConfig, dim: 48, heads: 2, kvHeads: 1, headDim: 24, ...scoreScale(24), layers: 1 },
  { ...smallConfig, dim: 16, heads: 1, kvHeads: 1, headDim: 128, ...scoreScale(128), layers: 1, ffnDim: 16 },
]

describe('weightless pass', () => {
  test('from honest accumulators every shape at every loudness has the residuals and logits of the oracle', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...shapes),
        fc.nat(1000),
        fc.constantFrom(0.01, 1, 30, 4000),
        fc.array(fc.nat(46), { minLength: 1, maxLength: 40 }),
        async (config, seed, gain, tokens) => {
          const model = randomModel(seed, config, gain)
          await agrees(model, tokens)
        },
      ),
      { numRuns: 40 },
    )
  })

  test.each(shapes)('over several tiles and blocks it has the bits of the oracle, shape %#', async (config) => {
    await agrees(
      randomModel(11, config),
      Array.from({ length: 150 }, (_, i) => (i * 7) % 40),
    )
  })
})

async function agrees(model: CanonicalModel, tokens: readonly number[]): Promise<void> {
  const { config, embedding } = model
  const sent = sentTrace(new Oracle(model), tokens)
  const pass = await passOf(model)
  const words = recordWords(config)
  pass.begin({ positions: tokens.length, tin: 1, width: 4, slots: [] })
  for (const [i, token] of tokens.entries()) {
    pass.embed(i, token, embedding.weights.subarray(token * config.dim, (token + 1) * config.dim))
  }
  for (const [i, layer] of sent.layers.entries()) {
    const record = (p: number) => encodeAccumulators(layer.subarray(words * p, words * (p + 1)), 4)
    expect(pass.layer(i, record)).toBeUndefined()
    for (const [p, residual] of (sent.residuals[i] ?? []).entries()) expect(pass.residual(p)).toEqual(residual)
  }
  const record = (p: number) => encodeAccumulators(sent.head[p] ?? new Int32Array(0), 4)
  const fault = pass.head(record, (logits, p) => {
    expect(logits).toEqual(sent.logits[p])
    return true
  })
  expect(fault).toBeUndefined()
}
