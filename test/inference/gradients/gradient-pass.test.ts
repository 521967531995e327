import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Target, targetShape, targets } from '../../../inference/adapter/adapter.ts'
import type { FloatLayer, FloatMatrix, FloatModel } from '../../../inference/float/float-model.ts'
import { FloatReference, softmax } from '../../../inference/float/reference.ts'
import { type Example, GradientPass } from '../../../inference/gradients/gradient-pass.ts'
import { type Block, blocksOf, type LoraShape } from '../../../inference/gradients/lora-shape.ts'
import { dequantiseRows, fixedToFloat } from '../../../inference/gradients/placed-weights.ts'
import { InferenceError } from '../../../inference/inference-error.ts'
import type { CanonicalModel, Layer, Matrix } from '../../../inference/model.ts'
import { randomModel, randomNumbers, smallConfig } from '../../fakes/random-model.ts'

/** The float model of a canonical one with an adapter merged into its weights, for the reference in doubles. */
function merged(model: CanonicalModel, shape: LoraShape, parameters: Float32Array): FloatModel {
  const { config } = model
  const matrix = (m: Matrix, divisor: number): FloatMatrix => ({
    rows: m.rows,
    columns: m.columns,
    weights: dequantiseRows(m, divisor),
  })
  const blocks = blocksOf(config, shape)
  const adapted = (layer: Layer, i: number, target: Target): FloatMatrix => {
    const out = matrix(layer[target], 127)
    const [down, up] = ['down', 'up'].map((side) =>
      blocks.find((block) => block.layer === i && block.target === target && block.side === side),
    )
    if (down === undefined || up === undefined) return out
    const weights = out.weights.map((weight, at) => weight + product(parameters, shape.rank, down, up, at))
    return { ...out, weights }
  }
  const layers = model.layers.map((layer, i): FloatLayer => {
    const linears = Object.fromEntries(targets.map((target) => [target, adapted(layer, i, target)]))
    return {
      ...(linears as Record<Target, FloatMatrix>),
      attentionNorm: fixedToFloat(layer.attentionNorm, 16),
      ffnNorm: fixedToFloat(layer.ffnNorm, 16),
    }
  })
  const { heads, kvHeads, headDim, context, bos, eos } = config
  return {
    config: { heads, kvHeads, headDim, context, bos, eos, theta: 10_000, epsilon: config.epsilon / 2 ** 32 },
    tokenizer: model.tokenizer,
    embedding: matrix(model.embedding, 1),
    layers,
    finalNorm: fixedToFloat(model.finalNorm, 16),
    head: matrix(model.head, 127),
  }
}

/** (U·D) at one place of the target's matrix. */
function product(parameters: Float32Array, rank: number, down: Block, up: Block, at: number): number {
  const [row, column] = [Math.floor(at / down.columns), at % down.columns]
  let sum = 0
  for (let r = 0; r < rank; r++) {
    const u = parameters[up.offset + r * up.columns + row] as number
    sum += u * (parameters[down.offset + r * down.columns + column] as number)
  }
  return sum
}

function referenceLoss(model: FloatModel, { tokens, from }: Example): number {
  const reference = new FloatReference(model)
  let nats = 0
  for (const [i, token] of tokens.slice(0, -1).entries()) {
    const logits = reference.step(token)
    if (i + 1 >= from) nats -= Math.log(softmax(logits)[tokens[i + 1] as number] as number)
  }
  return nats / (tokens.length - from)
}

function prepared(seed: number, shape: LoraShape, gain: number) {
  const model = randomModel(seed, smallConfig, 0.4)
  const random = randomNumbers(seed + 7)
  const pass = new GradientPass(model, shape, 24)
  const parameters = pass.parameters
  for (let i = 0; i < parameters.length; i++) parameters[i] = (random() - 0.5) * gain
  pass.refresh()
  const length = 5 + Math.floor(random() * 16)
  const tokens = Array.from({ length }, () => Math.floor(random() * smallConfig.vocab))
  const example = { tokens, from: 1 + Math.floor(random() * (length - 1)) }
  return { model, pass, example, random }
}

const shapes = fc.record({
  rank: fc.constantFrom(8, 16),
  targets: fc.subarray<Target>([...targets], { minLength: 1 }),
})

describe('gradients of an adapter', () => {
  test('the loss is that of the reference in doubles with the adapter merged in', () => {
    fc.assert(
      fc.property(fc.nat(1e6), shapes, (seed, shape) => {
        const { model, pass, example } = prepared(seed, shape, 0.3)
        const expected = referenceLoss(merged(model, shape, pass.parameters), example)
        // Cosines of a canonical model have 14 bits.
        expect(Math.abs(pass.loss(example) - expected)).toBeLessThan(2e-3)
      }),
      { numRuns: 12 },
    )
  })

  test('along any direction they are the slope of the reference in doubles', () => {
    fc.assert(
      fc.property(fc.nat(1e6), shapes, (seed, shape) => {
        const { model, pass, example, random } = prepared(seed, shape, 0.3)
        pass.gradients.fill(0)
        pass.accumulate(example, 1)
        const gradients = pass.gradients.slice()
        const parameters = pass.parameters.slice()
        const block = pass.blocks[Math.floor(random() * pass.blocks.length)] as Block
        const direction = new Float32Array(parameters.length)
        const end = block.offset + shape.rank * block.columns
        for (let i = block.offset; i < end; i++) direction[i] = random() - 0.5 + Math.sign(gradients[i] as number)
        const step = 1e-3
        const moved = (by: number) => parameters.map((value, i) => value + by * (direction[i] as number))
        const slope =
          (referenceLoss(merged(model, shape, moved(step)), example) -
            referenceLoss(merged(model, shape, moved(-step)), example)) /
          (2 * step)
        const expected = gradients.reduce((sum, value, i) => sum + value * (direction[i] as number), 0)
        expect(Math.abs(slope - expected)).toBeLessThan(2e-3 + 0.01 * Math.abs(expected))
        expect(Math.abs(expected)).toBeGreaterThan(0)
      }),
      { numRuns: 16 },
    )
  }, 30_000)

  test('they add up, times their weights, and every target is reached', () => {
    const shape = { rank: 8, targets }
    const { pass, example } = prepared(3, shape, 0.2)
    const other = { tokens: example.tokens.toReversed(), from: 1 }
    const one = (text: Example, weight: number) => {
      pass.gradients.fill(0)
      pass.accumulate(text, weight)
      return pass.gradients.slice()
    }
    const [a, b] = [one(example, 1), one(other, 0.5)]
    pass.gradients.fill(0)
    pass.accumulate(example, 1)
    pass.accumulate(other, 0.5)
    for (const [i, value] of pass.gradients.entries()) {
      expect(Math.abs(value - (a[i] as number) - (b[i] as number))).toBeLessThan(1e-5)
    }
    for (const { offset, columns } of pass.blocks) {
      expect(a.subarray(offset, offset + 8 * columns).some((value) => value !== 0)).toBe(true)
    }
  })

  test('an adapter whose U is 0 changes no loss', () => {
    const model = randomModel(9)
    const example = { tokens: [0, 5, 9, 2, 7], from: 2 }
    const pass = new GradientPass(model, { rank: 8, targets: ['query', 'up'] }, 8)
    const before = pass.loss(example)
    for (const { side, offset, columns } of pass.blocks) {
      if (side === 'down') pass.parameters.subarray(offset, offset + 8 * columns).fill(0.7)
    }
    pass.refresh()
    expect(pass.loss(example)).toBe(before)
  })

  test('the same text has the same bits whatever was computed before', () => {
    const { pass, example } = prepared(11, { rank: 8, targets: ['query', 'value'] }, 0.3)
    const run = () => {
      pass.gradients.fill(0)
      const loss = pass.accumulate(example, 1)
      return [loss, ...pass.gradients]
    }
    const first = run()
    pass.accumulate({ tokens: Array.from({ length: 24 }, (_, i) => 47 - i), from: 1 }, 3)
    expect(run()).toEqual(first)
  })

  test.each([
    ['a rank', { rank: 12, targets: ['query'] as const }, 8, 'rank 12'],
    ['no target', { rank: 8, targets: [] }, 8, 'targets'],
    ['targets out of order', { rank: 8, targets: ['value', 'query'] as const }, 8, 'targets value,query'],
    ['more positions than the model has', { rank: 8, targets: ['query'] as const }, 161, 'texts of 161 positions'],
  ])('%s that no adapter can have is refused by name', (_, shape, length, message) => {
    expect(() => new GradientPass(randomModel(1), shape, length)).toThrow(InferenceError)
    expect(() => new GradientPass(randomModel(1), shape, length)).toThrow(message)
  })

  test.each([
    ['too long', { tokens: Array.from({ length: 10 }, () => 1), from: 1 }, 'a text of 10 tokens'],
    ['of one token', { tokens: [1], from: 1 }, 'a text of 1 tokens'],
    ['with nothing to predict', { tokens: [1, 2], from: 2 }, 'nothing to predict'],
    ['with a strange token', { tokens: [1, 48], from: 1 }, 'token 48'],
  ])('a text %s is refused by name', (_, example, message) => {
    const pass = new GradientPass(randomModel(1), { rank: 8, targets: ['query'] }, 8)
    expect(() => pass.loss(example)).toThrow(message)
  })

  test('a target has the size of the matrix that it adds to', () => {
    const shape = { rank: 8, targets }
    for (const { target, side, columns } of blocksOf(smallConfig, shape)) {
      expect(columns).toBe(targetShape(smallConfig, target)[side === 'down' ? 1 : 0])
    }
  })
})
