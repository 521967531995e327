import { tilePositions } from '../model-config.ts'
import { StepError } from './step-error.ts'
import type { StepUnits } from './step-units.ts'
import { joined, tile } from './unit-rules.ts'

/** An element of an attention tile, or of the tiles' join. Twin of contracts/src/ol/AttentionStep.sol. */
export function attentionElement(opened: StepUnits): bigint {
  if (opened.op === 'attentionTile') return tileElement(opened)
  if (opened.op === 'attentionMix') return joinedElement(opened)
  throw new StepError('WrongOp')
}

function tileElement(opened: StepUnits): bigint {
  const { step, config } = opened
  const { heads, kvHeads, headDim, scoreMultiplier, scoreShift } = config
  const [size, tiles] = [tilePositions(config), opened.tilesAt(step.position)]
  const head = Math.floor(step.part / tiles)
  const first = size * (step.part % tiles)
  const count = Math.min(size, step.position + 1 - first)
  const cached = headDim * Math.floor(head / (heads / kvHeads))
  const keys = opened.elements('cachedKey', 0, cached, headDim * count, first)
  const values = opened.elements('cachedValue', 0, cached, headDim * count, first)
  const query = opened.elements('rotatedQuery', 0, headDim * head, headDim)
  const scale = { multiplier: BigInt(scoreMultiplier), shift: BigInt(scoreShift) }
  const { max, sum, mix } = tile(query, keys, values, scale, Math.max(0, step.element - 2))
  return step.element === 0 ? max : step.element === 1 ? sum : mix
}

function joinedElement(opened: StepUnits): bigint {
  const { step, config } = opened
  const tiles = opened.tilesAt(step.position)
  const [head, i] = [Math.floor(step.element / config.headDim), step.element % config.headDim]
  // One element of every tile of the head.
  const ofAll = (element: number) => opened.elements('attentionTile', head * tiles, element, tiles)
  const [maxima, sums] = [ofAll(0), ofAll(1)]
  return joined(maxima, sums, ofAll(2 + i))
}
