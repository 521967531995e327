import type { Op } from '../trace.ts'
import { attentionElement } from './attention-step.ts'
import { isChoiceRight } from './choice-step.ts'
import { simpleElement } from './element-step.ts'
import { linearElement } from './linear-step.ts'
import { scaleOfInput } from './model-places.ts'
import { OpenedStep } from './opened-step.ts'
import { quantisedElement } from './quantise-step.ts'
import type { Step, StepContext } from './step.ts'
import { StepError } from './step-error.ts'
import type { StepUnits } from './step-units.ts'

/** The contracts that judge steps. */
export type StepJudge = 'LinearStep' | 'QuantiseStep' | 'ElementStep' | 'AttentionStep' | 'ChoiceStep'

/** Who judges an op's units; undefined for what is not committed. As contracts/src/lib/StepJudges.sol says it. */
export function stepJudgeOf(op: Op): StepJudge | undefined {
  switch (op) {
    case 'attentionNorm':
    case 'ffnNorm':
    case 'finalNorm':
    case 'logits':
      return undefined
    case 'attentionTile':
    case 'attentionMix':
      return 'AttentionStep'
    case 'choice':
    case 'choiceTile':
      return 'ChoiceStep'
    case 'embedding':
    case 'rotatedQuery':
    case 'cachedKey':
    case 'cachedValue':
    case 'attentionResidual':
    case 'activation':
    case 'ffnResidual':
      return 'ElementStep'
    default:
      return scaleOfInput(op) === undefined ? 'LinearStep' : 'QuantiseStep'
  }
}

/**
 * Returns where the element in question is wrong. Throws {@link StepError} where nothing shows that: `NoFault` where it is right,
 * else what the contracts revert with.
 */
export function judgeStep(context: StepContext, step: Step): void {
  if (isRight(new OpenedStep(context, step))) throw new StepError('NoFault')
}

/** Whether the element in question is what its rule makes it. */
export function isRight(opened: StepUnits): boolean {
  const claimed = opened.claimed()
  switch (stepJudgeOf(opened.op)) {
    case 'LinearStep':
      return linearElement(opened) === claimed
    case 'QuantiseStep':
      return quantisedElement(opened) === claimed
    case 'ElementStep':
      return simpleElement(opened) === claimed
    case 'AttentionStep':
      return attentionElement(opened) === claimed
    case 'ChoiceStep':
      return isChoiceRight(opened, claimed)
    default:
      throw new StepError('NoJudge')
  }
}
