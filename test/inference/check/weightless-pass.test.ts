import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Slot } from '../../../inference/adapter/adapter.ts'
import { type PassParts, recordWords } from '../../../inference/check/weightless-pass.ts'
import { InferenceError } from '../../../inference/inference-error.ts'
import type { CanonicalModel } from '../../../inference/model.ts'
import { type ModelConfig, scoreScale } from '../../../inference/model-config.ts'
import { Oracle } from '../../../inference/oracle.ts'
import { pairOf, partsOf } from '../../fakes/check-world.ts'
import { kernelSets } from '../../fakes/kernel-sets.ts'
import { randomAdapter } from '../../fakes/random-adapter.ts'
import { randomModel, smallConfig, wideInputConfig } from '../../fakes/random-model.ts'
import { encodeAccumulators, sentTrace } from '../../fakes/sent-trace.ts'

const shapes: readonly ModelConfig[] = [
  smallConfig,
  wideInputConfig,
  { ...smallConfig, vocab: 47, tiedHead: false, kvHeads: 4, layers: 1 },
  { ...wideInputConfig, dim: 48, heads: 2, kvHeads: 1, headDim: 24, ...scoreScale(24), layers: 1 },
  { ...smallConfig, dim: 16, heads: 1, kvHeads: 1, headDim: 128, ...scoreScale(128), layers: 1, ffnDim: 16 },
  { ...wideInputConfig, dim: 32, heads: 7, kvHeads: 1, headDim: 16, ...scoreScale(16), layers: 1 },
  { ...smallConfig, dim: 32, heads: 3, kvHeads: 1, headDim: 112, ...scoreScale(112), layers: 1 },
]

describe.each(kernelSets)('weightless pass by %s', (_, load) => {
  const agrees = agreesBy(load)

  test('from honest accumulators every shape at every loudness has the residuals and logits of the oracle', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...shapes),
        fc.nat(1000),
        fc.constantFrom(0.01, 1, 30, 4000),
        fc.array(fc.nat(46), { minLength: 1, maxLength: 40 }),
        (config, seed, gain, tokens) => {
          const model = randomModel(seed, config, gain)
          agrees(model, tokens)
        },
      ),
      { numRuns: 40 },
    )
  })

  test.each(shapes)('over several tiles and blocks it has the bits of the oracle, shape %#', (config) => {
    agrees(
      randomModel(11, config),
      Array.from({ length: 150 }, (_, i) => (i * 7) % 40),
    )
  })

  test('records that are short, long, or begin within another are refused by their lengths', () => {
    const model = randomModel(13)
    const bytes = 3 * recordWords(model.config)
    const { pass } = partsOf(model, pairOf(model), { load })
    pass.begin({ positions: 2, tin: 1, width: 3, slots: [] })
    for (const lengths of [[2 * bytes - 1], [2 * bytes + 3], [bytes], [bytes - 3, bytes + 3], [bytes, bytes, 3]]) {
      const records = () => lengths.map((length) => new Uint8Array(length))
      expect(() => pass.layer(0, records), String(lengths)).toThrow(InferenceError)
    }
  })

  test('with adapters, quiet and loud, it has the bits of the oracle', () => {
    for (const [config, gain] of [
      [smallConfig, 1],
      [wideInputConfig, 1],
      [wideInputConfig, 300],
    ] as const) {
      const model = randomModel(12, config)
      const slots = [
        { adapter: randomAdapter(1, model.config, 16, ['query', 'value', 'down'], gain), weight: 30_000 },
        { adapter: randomAdapter(2, model.config, 8, undefined, gain), weight: 65_535 },
      ]
      agrees(model, [3, 1, 4, 1, 5, 9, 2, 6, 5, 3], slots)
    }
  })
})

const agreesBy =
  (load: NonNullable<PassParts['load']>) =>
  (model: CanonicalModel, tokens: readonly number[], slots: readonly Slot[] = []): void => {
    const { config, embedding } = model
    const sent = sentTrace(new Oracle(model), tokens, { slots })
    const { pass } = partsOf(model, pairOf(model), { load })
    const words = recordWords(config)
    const width = tokens.length % 2 === 0 ? 3 : 4
    pass.begin({ positions: tokens.length, tin: 1, width, slots })
    for (const [i, token] of tokens.entries()) {
      pass.embed(i, token, embedding.weights.subarray(token * config.dim, (token + 1) * config.dim))
    }
    for (const [i, layer] of sent.layers.entries()) {
      const records = (from: number, count: number) =>
        Array.from({ length: count }, (_, k) => {
          const at = words * (from + k)
          return encodeAccumulators(layer.subarray(at, at + words), width)
        })
      expect(pass.layer(i, records)).toBeUndefined()
      for (const [p, residual] of (sent.residuals[i] ?? []).entries()) expect(pass.residual(p)).toEqual(residual)
    }
    const records = (p: number) => [encodeAccumulators(sent.head[p] ?? new Int32Array(0), width)]
    const fault = pass.head(records, (logits, p) => {
      expect(logits).toEqual(sent.logits[p])
      return true
    })
    expect(fault).toBeUndefined()
  }
