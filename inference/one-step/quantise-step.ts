import type { Op } from '../trace.ts'
import { adapterPart, adapterSectionOf, finalNormOf, scaleOfInput, scaleOpOf, sectionOf } from './model-places.ts'
import { StepError } from './step-error.ts'
import { readInt, readUint32, type StepUnits } from './step-units.ts'
import { dequantised, maxMagnitude, norm, quantised, scaleOf } from './unit-rules.ts'

/** The element in question of a quantised input or its scale. Twin of contracts/src/ol/QuantiseStep.sol. */
export function quantisedElement(opened: StepUnits): bigint {
  const { op, step } = opened
  const scaleOp = scaleOfInput(op)
  if (scaleOp === undefined) throw new StepError('WrongOp')
  const vector = vectorOf(opened, scaleOp)
  if (op !== scaleOp) {
    const scale = opened.scale(scaleOp, step.part)
    return quantised(vector[step.element] as bigint, scale, BigInt(opened.config.inputMax))
  }
  const { mantissa, exponent } = scaleOf(maxMagnitude(vector))
  return step.element === 0 ? mantissa : exponent
}

function vectorOf(opened: StepUnits, scaleOp: Op): bigint[] {
  const { config, step } = opened
  const { dim, ffnDim, heads, headDim, layers } = config
  switch (scaleOp) {
    case 'outputScale':
      return opened.elements('attentionMix', 0, 0, heads * headDim)
    case 'downScale':
      return opened.elements('activation', 0, 0, ffnDim)
    case 'loraScale':
      return adapterVector(opened)
    case 'headScale':
      return normed(opened, opened.residual(layers, 0, dim), finalNormOf(config))
    case 'attentionScale':
      return normed(opened, opened.residual(step.layer, 0, dim), sectionOf(step.layer, 'attentionNorm'))
    default:
      return normed(opened, opened.elements('attentionResidual', 0, 0, dim), sectionOf(step.layer, 'ffnNorm'))
  }
}

function normed(opened: StepUnits, x: readonly bigint[], weights: number): bigint[] {
  const gains = opened.section(0, weights, 0, 4 * x.length)
  return norm(
    x,
    x.map((_, i) => readInt(gains, 4, i)),
    BigInt(opened.config.epsilon),
  )
}

/** D's output in Q16. */
function adapterVector(opened: StepUnits): bigint[] {
  const { step, adapters } = opened
  const { slot, target } = adapterPart(step.part)
  const adapter = adapters[slot]
  if (adapter === undefined) throw new Error('the unit exists')
  const scale = opened.scale(scaleOpOf(target), 0)
  const accumulators = opened.elements('loraDown', step.part, 0, adapter.rank)
  const rows = opened.section(1 + slot, adapterSectionOf(adapter, step.layer, target) + 1, 0, 4 * adapter.rank)
  return accumulators.map((accumulator, i) => dequantised(accumulator, readUint32(rows, i), scale))
}
