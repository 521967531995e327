import { sections } from './model-places.ts'
import { StepError } from './step-error.ts'
import { readInt, readUint32, type StepUnits } from './step-units.ts'
import { activated, added, embedded, narrowed, rotated } from './unit-rules.ts'

/** An element that follows from a few others. Twin of contracts/src/ol/ElementStep.sol. */
export function simpleElement(opened: StepUnits): bigint {
  const { element, layer } = opened.step
  switch (opened.op) {
    case 'embedding':
      return embeddedElement(opened)
    case 'rotatedQuery':
      return rotatedElement(opened, 'query')
    case 'cachedKey':
      return rotatedElement(opened, 'key')
    case 'cachedValue':
      return narrowed(opened.output('value', element))
    case 'attentionResidual': {
      const [before] = opened.residual(layer, element, 1) as [bigint]
      return added(before, opened.output('output', element))
    }
    case 'ffnResidual': {
      const middle = opened.element('attentionResidual', 0, element)
      return added(middle, opened.output('down', element))
    }
    case 'activation': {
      const gate = opened.output('gate', element)
      return activated(gate, opened.output('up', element))
    }
    default:
      throw new StepError('WrongOp')
  }
}

function embeddedElement(opened: StepUnits): bigint {
  const { position, element } = opened.step
  const token = opened.tokenAt(position)
  const weight = readInt(opened.section(0, sections.embedding, opened.config.dim * token + element, 1), 1, 0)
  return embedded(weight, readUint32(opened.section(0, sections.embeddingScales, 4 * token, 4), 0))
}

function rotatedElement(opened: StepUnits, target: 'query' | 'key'): bigint {
  const { element, position } = opened.step
  const { headDim } = opened.config
  const half = headDim / 2
  const isSecond = element % headDim >= half
  const x = opened.output(target, element)
  const partner = opened.output(target, isSecond ? element - half : element + half)
  const angle = 2 * (half * position + (element % half))
  const cos = readInt(opened.section(0, sections.cos, angle, 2), 2, 0)
  return rotated(x, partner, cos, readInt(opened.section(0, sections.sin, angle, 2), 2, 0), isSecond)
}
