import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adapterRoot, decodeAdapter, encodeAdapter } from '../../../inference/adapter/adapter-file.ts'
import { chatTemplate } from '../../../inference/answer/template.ts'
import { adapterParameters, quantiseParameters, shapeOf } from '../../../inference/gradients/adapter-parameters.ts'
import { GradientPass } from '../../../inference/gradients/gradient-pass.ts'
import { modelRoot } from '../../../inference/model-file.ts'
import type { HyperParameters } from '../../../worker/trainer/hyper-parameters.ts'
import { seededOrder } from '../../../worker/trainer/seeded-words.ts'
import { TrainError } from '../../../worker/trainer/train-error.ts'
import { Trainer, type TrainerParts } from '../../../worker/trainer/trainer.ts'
import { type ContributedExample, dataRootOf, examplesOf } from '../../../worker/trainer/training-texts.ts'
import { randomModel, randomNumbers, smallConfig } from '../../fakes/random-model.ts'

const model = randomModel(5, smallConfig, 0.4)
const root = modelRoot(model)
const parameters: HyperParameters = {
  rank: 8,
  targets: ['query', 'value', 'down'],
  length: 16,
  batch: 3,
  steps: 12,
  rate: 0.02,
  warmUp: 2,
  decay: 0.01,
  seed: 7,
}

function someExamples(count = 5): ContributedExample[] {
  const random = randomNumbers(31)
  return Array.from({ length: count }, (_, i) => ({
    contribution: BigInt(i),
    from: 1 + (i % 3),
    tokens: Array.from({ length: 8 + i }, () => Math.floor(random() * smallConfig.vocab)),
  }))
}

function parts(examples = someExamples()): TrainerParts {
  return { model, root, examples, dataRoot: dataRootOf(examples) }
}

function train(changes: Partial<HyperParameters> = {}, data = parts()): Trainer {
  const trainer = new Trainer({ ...parameters, ...changes }, data)
  while (!trainer.isDone) trainer.next()
  return trainer
}

describe('training an adapter', () => {
  test('gives the bits that it gave on the machine where this was written', () => {
    expect(adapterRoot(train().adapter())).toBe('0x3c0a70709d89503a3087a38cb9ca9b39e6fceccd2a094e676c2b5df83e24c85a')
  })

  test('stopped anywhere and taken up again it ends with the same adapter', () => {
    const whole = adapterRoot(train().adapter())
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), (stop) => {
        const first = new Trainer(parameters, parts())
        while (first.step < stop) first.next()
        const second = new Trainer(parameters, parts())
        second.resume(first.state())
        expect(second.step).toBe(stop)
        while (!second.isDone) second.next()
        expect(adapterRoot(second.adapter())).toBe(whole)
      }),
      { numRuns: 6 },
    )
  })

  test('learns: the loss of its texts falls, and the canonical adapter keeps it', () => {
    const before = new Trainer(parameters, parts())
    const after = train({ steps: 60 })
    const mean = (loss: (example: ContributedExample) => number) =>
      someExamples().reduce((sum, example) => sum + loss(example), 0) / 5
    const adapter = after.adapter()
    const pass = new GradientPass(model, shapeOf(adapter), 16)
    pass.parameters.set(adapterParameters(smallConfig, adapter))
    pass.refresh()
    const [start, end, kept] = [
      mean((example) => before.loss(example)),
      mean((example) => after.loss(example)),
      mean((example) => pass.loss(example)),
    ]
    expect(end).toBeLessThan(start - 0.5)
    expect(Math.abs(kept - end)).toBeLessThan(0.1)
  })

  test.each<[string, Partial<HyperParameters>]>([
    ['seed', { seed: 8 }],
    ['rate', { rate: 0.03 }],
    ['batch', { batch: 2 }],
    ['decay', { decay: 0.2 }],
    ['warm-up', { warmUp: 0 }],
    ['steps', { steps: 11 }],
  ])('another %s gives another adapter, and refuses the state of the first', (_, changes) => {
    expect(adapterRoot(train(changes).adapter())).not.toBe(adapterRoot(train().adapter()))
    const state = new Trainer(parameters, parts()).state()
    expect(() => new Trainer({ ...parameters, ...changes }, parts()).resume(state)).toThrow('another training')
  })

  test('a state of other data or one that is cut off is refused', () => {
    const state = new Trainer(parameters, parts()).state()
    const other = new Trainer(parameters, parts(someExamples(4)))
    expect(() => other.resume(state)).toThrow(TrainError)
    expect(() => new Trainer(parameters, parts()).resume(state.subarray(0, state.length - 1))).toThrow(TrainError)
  })

  test.each<[string, Partial<HyperParameters>]>([
    ['batch is 0', { batch: 0 }],
    ['rate is 2', { rate: 2 }],
    ['rate is NaN', { rate: Number.NaN }],
    ['decay is -1', { decay: -1 }],
    ['warm-up is 13', { warmUp: 13 }],
    ['seed is 0.5', { seed: 0.5 }],
    ['rank 7', { rank: 7 }],
  ])('%s: refused by name', (message, changes) => {
    expect(() => new Trainer({ ...parameters, ...changes }, parts())).toThrow(TrainError)
    expect(() => new Trainer({ ...parameters, ...changes }, parts())).toThrow(message)
  })

  test('no data is refused', () => {
    expect(() => new Trainer(parameters, { ...parts(), examples: [] })).toThrow('nothing to learn from')
  })
})

describe('adapters and parameters', () => {
  test('an adapter read back stands for what was trained, within its rounding', () => {
    const adapter = train().adapter()
    expect(decodeAdapter(encodeAdapter(adapter), { root, config: smallConfig })).toEqual(adapter)
    const values = adapterParameters(smallConfig, adapter)
    const again = quantiseParameters(smallConfig, root, shapeOf(adapter), values)
    const difference = adapterParameters(smallConfig, again).map((value, i) => value - (values[i] as number))
    const size = (list: Float32Array) => Math.sqrt(list.reduce((sum, value) => sum + value * value, 0))
    expect(size(difference)).toBeLessThan(0.02 * size(values))
  })
})

describe('training texts', () => {
  /** Every letter is a token. */
  const tokenizer = {
    vocab: 200,
    encode: (text: string | Uint8Array) => [...String(text)].map((letter) => letter.charCodeAt(0)),
    decode: () => new Uint8Array(),
    special: () => undefined,
  }
  const tokens = { tokenizer, template: chatTemplate, bos: 0, eos: 1 }

  test('every token of a text but bos is predicted once, whatever the length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 2, max: 12 }), (letters, length) => {
        const text = 'abcdefgh'.repeat(5).slice(0, letters)
        const found = examplesOf([{ contribution: 4n, text }], tokens, length)
        const predicted = found.flatMap((example) => example.tokens.slice(example.from))
        expect(predicted).toEqual([...tokenizer.encode(text), 1])
        for (const example of found) expect(example.tokens.length).toBeLessThanOrEqual(length + 1)
      }),
    )
  })

  test('of a question the answer and its end are predicted', () => {
    const [example] = examplesOf([{ contribution: 1n, prompt: 'ab', answer: ' c ' }], tokens, 20)
    expect(example).toEqual({ contribution: 1n, tokens: [0, 2, 97, 98, 3, 99, 1], from: 5 })
  })

  test.each([
    ['no text', [], 'nothing to learn from'],
    ['an empty text', [{ contribution: 1n, text: '' }], 'text 1 has no tokens'],
    ['an empty answer', [{ contribution: 1n, prompt: 'a', answer: ' ' }], 'answer 1 has no tokens'],
    [
      'an answer that does not fit',
      [{ contribution: 1n, prompt: 'a', answer: 'x'.repeat(30) }],
      '35 tokens, at most 9',
    ],
  ])('%s is refused by name', (_, texts, message) => {
    expect(() => examplesOf(texts, tokens, 8)).toThrow(TrainError)
    expect(() => examplesOf(texts, tokens, 8)).toThrow(message)
  })

  test('the data root depends on every token, where prediction begins, the contributor and the order', () => {
    const [a, b] = someExamples(2) as [ContributedExample, ContributedExample]
    const variants = [
      [a, b],
      [b, a],
      [{ ...a, from: a.from + 1 }, b],
      [{ ...a, contribution: 9n }, b],
      [{ ...a, tokens: [...a.tokens, 3] }, b],
      [a],
    ]
    expect(new Set(variants.map(dataRootOf)).size).toBe(variants.length)
  })

  test('an order has each text once, and another each round', () => {
    const [first, second] = [seededOrder(7, 0, 50), seededOrder(7, 1, 50)]
    expect(first.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 50 }, (_, i) => i))
    expect(second).not.toEqual(first)
    expect(seededOrder(8, 0, 50)).not.toEqual(first)
  })
})
