import { type Target, targetShape, targets } from '../adapter/adapter.ts'
import type { Op } from '../trace.ts'
import { adapterPart, adapterSectionOf, inputOpOf, type Linear, matrixOf, scaleOpOf } from './model-places.ts'
import { StepError } from './step-error.ts'
import { readInt, type StepUnits } from './step-units.ts'

/** A linear: the section of its weights, how long their rows are, and the unit of its input. */
type Product = {
  readonly file: number
  readonly weights: number
  readonly columns: number
  readonly input: Op
  readonly part: number
}

/** The accumulator in question. Twin of contracts/src/ol/LinearStep.sol. */
export function linearElement(opened: StepUnits): bigint {
  const { file, weights, columns, input, part } = productOf(opened)
  const values = opened.elements(input, part, 0, columns)
  const row = opened.section(file, weights, columns * opened.step.element, columns)
  return values.reduce((sum, value, i) => sum + value * readInt(row, 1, i), 0n)
}

function productOf({ op, step, config, adapters }: StepUnits): Product {
  if (op === 'loraDown' || op === 'loraUp') {
    const { slot, target } = adapterPart(step.part)
    const adapter = adapters[slot]
    if (adapter === undefined) throw new Error('the unit exists')
    const down = adapterSectionOf(adapter, step.layer, target)
    if (op === 'loraUp') {
      return { file: 1 + slot, weights: down + 2, columns: adapter.rank, input: 'loraInput', part: step.part }
    }
    const [, columns] = targetShape(config, target)
    return { file: 1 + slot, weights: down, columns, input: inputOpOf(scaleOpOf(target)), part: 0 }
  }
  if (!isLinear(op)) throw new StepError('WrongOp')
  const [weights] = matrixOf(config, step.layer, op)
  const columns = op === 'head' ? config.dim : targetShape(config, op)[1]
  return { file: 0, weights, columns, input: inputOpOf(scaleOpOf(op)), part: 0 }
}

function isLinear(op: Op): op is Linear {
  return op === 'head' || targets.includes(op as Target)
}
