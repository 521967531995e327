import { describe, expect, test } from 'vitest'
import { errorMessage } from '../../common/errors.ts'
import { convertModel } from '../../inference/float/convert.ts'
import type { FloatMatrix } from '../../inference/float/float-model.ts'
import { measureQuality } from '../../inference/float/quality.ts'
import { FloatReference } from '../../inference/float/reference.ts'
import { smooth } from '../../inference/float/smooth.ts'
import { decodeModel, encodeModel, modelRoot } from '../../inference/model-file.ts'
import { WasmEngine } from '../../inference/wasm/wasm-engine.ts'
import { randomFloatModel } from '../fakes/random-float-model.ts'
import { randomNumbers } from '../fakes/random-model.ts'

const random = randomNumbers(9)
const tokens = Array.from({ length: 192 }, () => Math.floor(random() * 96))
const calibration = Array.from({ length: 96 }, () => Math.floor(random() * 96))

describe('conversion', () => {
  test.each([true, false])('smoothing changes no logit, tied head %s', (tied) => {
    const model = randomFloatModel(2, tied)
    const [before, after] = [new FloatReference(model), new FloatReference(smooth(model, calibration))]
    for (const token of tokens.slice(0, 20)) {
      const [a, b] = [before.step(token), after.step(token)]
      for (const [i, logit] of a.entries()) expect(Math.abs(logit - (b[i] ?? 0))).toBeLessThan(1e-4)
    }
  })

  test.each([true, false])('the integer model keeps perplexity and argmax of the float one, tied head %s', (tied) => {
    const model = randomFloatModel(2, tied)
    const quality = measureQuality(model, new WasmEngine(convertModel(model, calibration)), tokens)
    expect(quality.positions).toBe(189)
    expect(Math.abs(quality.integerPerplexity / quality.floatPerplexity - 1)).toBeLessThan(0.005)
    expect(quality.argmaxAgreement).toBeGreaterThan(0.95)
  })

  test('calibrated smoothing brings logits closer than ranges of one token do', () => {
    const model = randomFloatModel(2, false)
    const squaredError = (calibratedBy: readonly number[]) => {
      const [reference, session] = [
        new FloatReference(model),
        new WasmEngine(convertModel(model, calibratedBy)).start(),
      ]
      let sum = 0
      for (const token of tokens.slice(0, 60)) {
        const [a, b] = [reference.step(token), session.append([token])]
        for (const [i, logit] of a.entries()) sum += (logit - (b[i] ?? 0) / 65_536) ** 2
      }
      return sum
    }
    expect(squaredError(calibration)).toBeLessThan(0.8 * squaredError([0]))
  })

  test('a converted model is one that a file takes, and the same input gives the same root', () => {
    const model = randomFloatModel(3)
    const converted = convertModel(model, calibration)
    expect(modelRoot(decodeModel(encodeModel(converted)))).toBe(modelRoot(convertModel(model, calibration)))
    expect(() => convertModel(model, [])).toThrow('calibration')
  })

  test('what the canonical form has no room for is named by its part', () => {
    const model = randomFloatModel(3)
    const loud = { ...model, finalNorm: model.finalNorm.with(0, 256) }
    const named = (of: typeof model) => {
      try {
        return convertModel(of, calibration)
      } catch (error) {
        return errorMessage(error)
      }
    }
    expect(named(loud)).toBe('finalNorm: norm weight 256')
    expect(named({ ...model, embedding: loudest(model.embedding) })).toMatch(/^embedding: a row whose step would be/)
    const layers = model.layers.map((layer, i) => (i === 1 ? { ...layer, down: loudest(layer.down) } : layer))
    expect(named({ ...model, layers })).toMatch(/^layer 1: [a-zA-Z]+: [a-z ]+/)
  })
})

const loudest = (matrix: FloatMatrix): FloatMatrix => ({ ...matrix, weights: matrix.weights.with(0, 3e38) })
