import { createHash } from 'node:crypto'
import type { Adapter } from '../../inference/adapter/adapter.ts'
import { quantiseParameters } from '../../inference/gradients/adapter-parameters.ts'
import { gradientKernelBytes } from '../../inference/gradients/gradient-kernels.ts'
import { type Example, GradientPass } from '../../inference/gradients/gradient-pass.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { bytesToHex, concatBytes, equalBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { beta1, beta2, checkHyperParameters, epsilon, type HyperParameters, rateOf } from './hyper-parameters.ts'
import { seededOrder, seededWords, uses } from './seeded-words.ts'
import { TrainError } from './train-error.ts'

/** What a training is made of; the same gives the same adapter. */
export type TrainerParts = {
  readonly model: CanonicalModel
  /** Of the model. */
  readonly root: Hex
  readonly examples: readonly Example[]
  /** Root over the examples. */
  readonly dataRoot: Hex
}

export type StepResult = { readonly step: number; readonly loss: number; readonly tokens: number }

const stateMagic = new TextEncoder().encode('OLTRAIN1')
const stateHeadBytes = 44

/** SHA-256 of the kernels: whoever has others may come to other bits. */
export function trainingEngine(): Hex {
  return bytesToHex(createHash('sha256').update(gradientKernelBytes()).digest())
}

/**
 * Trains a LoRA adapter step by step. Base, data, hyper-parameters and engine decide every bit of it, however often it is stopped
 * and taken up again. docs/GRADIENTS.md §4.
 */
export class Trainer {
  readonly #parts: TrainerParts
  readonly #parameters: HyperParameters
  readonly #pass: GradientPass
  readonly #first: number
  readonly #second: number
  #step = 0
  #power1 = 1
  #power2 = 1
  #round = -1
  #order: readonly number[] = []

  /** Throws {@link TrainError} for no data and for hyper-parameters out of range, InferenceError for a length beyond the context. */
  constructor(parameters: HyperParameters, parts: TrainerParts) {
    checkHyperParameters(parameters)
    if (parts.examples.length === 0) throw new TrainError('data', 'there is nothing to learn from')
    this.#parameters = parameters
    this.#parts = parts
    this.#pass = new GradientPass(parts.model, parameters, parameters.length)
    this.#first = this.#pass.memory.takeFloats(this.#pass.parameterCount)
    this.#second = this.#pass.memory.takeFloats(this.#pass.parameterCount)
    this.#start()
  }

  /** Steps done. */
  get step(): number {
    return this.#step
  }

  get isDone(): boolean {
    return this.#step === this.#parameters.steps
  }

  /** One step; `loss` is the batch's mean before it. */
  next(): StepResult {
    const { batch, decay } = this.#parameters
    const { kernels, parametersAt, gradientsAt, parameterCount } = this.#pass
    this.#pass.gradients.fill(0)
    let [loss, tokens] = [0, 0]
    for (let i = 0; i < batch; i++) {
      const example = this.#exampleAt(this.#step * batch + i)
      loss += this.#pass.accumulate(example, 1 / batch) / batch
      tokens += example.tokens.length - 1
    }
    this.#step++
    this.#power1 *= beta1
    this.#power2 *= beta2
    const rate = rateOf(this.#parameters, this.#step)
    const corrections = [1 - this.#power1, 1 - this.#power2] as const
    const moments = [this.#first, this.#second] as const
    kernels.adamStep(
      ...([
        parametersAt,
        gradientsAt,
        ...moments,
        parameterCount,
        rate,
        beta1,
        beta2,
        ...corrections,
        epsilon,
        decay,
      ] as const),
    )
    this.#pass.refresh()
    return { step: this.#step, loss, tokens }
  }

  /** Mean nats a token of a text, with the adapter as it is now. */
  loss(example: Example): number {
    return this.#pass.loss(example)
  }

  adapter(): Adapter {
    const { model, root } = this.#parts
    const { rank, targets } = this.#parameters
    return quantiseParameters(model.config, root, { rank, targets }, this.#pass.parameters)
  }

  /** What {@link resume} goes on from. */
  state(): Uint8Array {
    return concatBytes(stateMagic, this.#identity(), uintBytes(this.#step, 4), ...this.#arrays().map(bytesOf))
  }

  /** Throws {@link TrainError} `state` for one of another training. */
  resume(state: Uint8Array): void {
    const arrays = this.#arrays()
    const bytes = arrays.reduce((sum, array) => sum + array.byteLength, stateHeadBytes)
    const isOurs = state.length === bytes && equalBytes(state.subarray(0, 8), stateMagic)
    if (!isOurs || !equalBytes(state.subarray(8, 40), this.#identity())) {
      throw new TrainError('state', 'the state is of another training: other base, data, hyper-parameters or engine')
    }
    const step = new DataView(state.buffer, state.byteOffset).getUint32(40)
    if (step > this.#parameters.steps) throw new TrainError('state', `the state is of step ${step}`)
    let at = stateHeadBytes
    for (const array of arrays) {
      bytesOf(array).set(state.subarray(at, at + array.byteLength))
      at += array.byteLength
    }
    this.#step = step
    for (let i = 0; i < step; i++) {
      this.#power1 *= beta1
      this.#power2 *= beta2
    }
    this.#pass.refresh()
  }

  /** D even in ±1/√columns, U zero. */
  #start(): void {
    const { seed, rank } = this.#parameters
    const parameters = this.#pass.parameters
    const words = seededWords(seed, uses.start, 0, parameters.length)
    for (const { side, offset, columns } of this.#pass.blocks) {
      if (side === 'up') continue
      const bound = 1 / Math.sqrt(columns)
      for (let i = offset; i < offset + rank * columns; i++) {
        parameters[i] = (((words[i] as number) - 2 ** 31) / 2 ** 31) * bound
      }
    }
    this.#pass.refresh()
  }

  #exampleAt(index: number): Example {
    const { examples } = this.#parts
    const round = Math.floor(index / examples.length)
    if (round !== this.#round) {
      this.#round = round
      this.#order = seededOrder(this.#parameters.seed, round, examples.length)
    }
    return examples[this.#order[index % examples.length] as number] as Example
  }

  #arrays(): Float32Array[] {
    const { memory, parameterCount } = this.#pass
    return [
      this.#pass.parameters,
      memory.floats(this.#first, parameterCount),
      memory.floats(this.#second, parameterCount),
    ]
  }

  #identity(): Uint8Array {
    const { root, dataRoot } = this.#parts
    const fields = JSON.stringify(this.#parameters, parameterNames)
    const hash = createHash('sha256').update(concatBytes(...[root, dataRoot, trainingEngine()].map(hexToBytes)))
    return hash.update(fields).digest()
  }
}

/** In one order, so that equal hyper-parameters read alike. */
export const parameterNames: (keyof HyperParameters)[] = [
  'rank',
  'targets',
  'length',
  'batch',
  'steps',
  'rate',
  'warmUp',
  'decay',
  'seed',
]

function bytesOf(array: Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}
