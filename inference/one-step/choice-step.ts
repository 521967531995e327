import { hexToBytes } from '../../protocol/bytes.ts'
import { choiceElements, choiceTileElements, choiceTileLogits } from '../choice.ts'
import { draw } from '../sampler.ts'
import { exp2Negative, roundDiv } from './fixed-point.ts'
import { matrixOf } from './model-places.ts'
import type { StepContext } from './step.ts'
import { StepError } from './step-error.ts'
import { readUint32, type StepUnits } from './step-units.ts'
import { dequantised } from './unit-rules.ts'

const log2eQ16 = 94_548n
const distanceMax = 2n ** 32n - 1n
/** Elements of a choice. */
const [last, kept, chosen, positives, candidates, candidateWeight, keptWeight, weightBefore] = [
  1, 3, 5, 7, 8, 9, 10, 11,
]

type Mark = { readonly logit: bigint; readonly token: bigint }

/** Whether the element in question of a choice or one of its tiles is right. Twin of contracts/src/ol/ChoiceStep.sol. */
export function isChoiceRight(opened: StepUnits, claimed: bigint): boolean {
  if (opened.op === 'choiceTile') return tileElement(opened) === claimed
  if (opened.op !== 'choice') throw new StepError('WrongOp')
  const { element } = opened.step
  if (element === 0 || element >= positives) return ofTiles(opened, element) === claimed
  const choice = opened.elements('choice', 0, 0, choiceElements)
  if (element === last || element === kept || element === chosen)
    return logitOf(opened, choice[element + 1]) === claimed
  if (claimed < 0n || claimed >= BigInt(opened.config.vocab)) return false
  if (element === last + 1) return isLast(opened.context, choice)
  if (element === kept + 1) return isKept(opened.context, choice)
  return isChosen(opened, choice)
}

function tileElement(opened: StepUnits): bigint {
  const { part, element } = opened.step
  const logits = tileLogits(opened)
  if (element === 0) return largest(logits)
  const choice = opened.elements('choice', 0, 0, choiceElements)
  const mark = markOf(choice, element < 4 ? last : element === 4 ? kept : chosen)
  let sum = 0n
  for (const [k, logit] of logits.entries()) {
    const weight = weightOf(opened.context, choice[0], logit)
    if (weight === 0n) continue
    const token = BigInt(choiceTileLogits * part + k)
    const isBefore = logit > mark.logit || (logit === mark.logit && token < mark.token)
    // Of whom the element counts: all, those not after `last`, those not after `kept`, those before `chosen`.
    if (element > 1 && !isBefore && (element === 5 || token !== mark.token)) continue
    sum += element < 3 ? 1n : weight
  }
  return sum
}

function tileLogits(opened: StepUnits): bigint[] {
  const { config, step } = opened
  const first = choiceTileLogits * step.part
  const count = Math.min(choiceTileLogits, config.vocab - first)
  const scale = opened.scale('headScale', 0)
  const [, scales] = matrixOf(config, 0, 'head')
  const rows = opened.section(0, scales, 4 * first, 4 * count)
  return opened.elements('head', 0, first, count).map((each, k) => dequantised(each, readUint32(rows, k), scale))
}

/** What the tiles make of the maximum, or of a sum. */
function ofTiles(opened: StepUnits, element: number): bigint {
  const data = opened.elements('choiceTile', 0, 0, choiceTileElements * opened.choiceTiles)
  const place = element === 0 ? 0 : element + 1 - positives
  const column = data.filter((_, i) => i % choiceTileElements === place)
  return element === 0 ? largest(column) : column.reduce((sum, value) => sum + value, 0n)
}

function isLast(context: StepContext, choice: readonly bigint[]): boolean {
  const topK = context.tempQ16 === 0 ? 1n : BigInt(context.topK)
  const all = choice[positives] as bigint
  const most = topK !== 0n && topK < all ? topK : all
  return choice[candidates] === most && weightOf(context, choice[0], choice[last]) > 0n
}

function isKept(context: StepContext, choice: readonly bigint[]): boolean {
  const [end, mark] = [markOf(choice, last), markOf(choice, kept)]
  if (mark.logit < end.logit || (mark.logit === end.logit && mark.token > end.token)) return false
  const topP = context.tempQ16 === 0 ? 65_536n : BigInt(context.topPQ16)
  const needed = (topP * (choice[candidateWeight] as bigint) + 65_535n) >> 16n
  const weight = weightOf(context, choice[0], mark.logit)
  const sum = choice[keptWeight] as bigint
  return weight > 0n && sum >= needed && sum - weight < needed
}

function isChosen(opened: StepUnits, choice: readonly bigint[]): boolean {
  const { context, step } = opened
  if (BigInt(opened.tokenAt(step.position + 1)) !== choice[chosen + 1]) return false
  const mark = (draw(hexToBytes(context.seed), step.position + 1) * (choice[keptWeight] as bigint)) >> 64n
  const before = choice[weightBefore] as bigint
  return before <= mark && mark < before + weightOf(context, choice[0], choice[chosen])
}

function markOf(choice: readonly bigint[], i: number): Mark {
  return { logit: choice[i] as bigint, token: choice[i + 1] as bigint }
}

function logitOf(opened: StepUnits, token = -1n): bigint {
  if (token < 0n || token >= BigInt(opened.config.vocab)) throw new StepError('BadMark')
  return opened.headOutput('head', Number(token))
}

function weightOf({ tempQ16 }: StepContext, max = 0n, logit = 0n): bigint {
  if (logit > max) throw new StepError('BadMark')
  if (tempQ16 === 0) return logit === max ? 1n : 0n
  const distance = roundDiv((max - logit) * log2eQ16, BigInt(tempQ16))
  return exp2Negative(distance < distanceMax ? distance : distanceMax, 0n)
}

function largest(values: readonly bigint[]): bigint {
  return values.reduce((max, value) => (value > max ? value : max))
}
