import { entryClasses } from '../../protocol/attribution-entry.ts'
import type { TrainedOn } from '../../protocol/attribution-rule.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type InferenceRequest, openedRequest } from '../../protocol/inference-request.ts'
import type { SpanEntry } from '../suffix/check-spans.ts'
import { sharesOf, trainingTokens } from '../suffix/shares.ts'
import type { ChallengeV2 } from './challenge-v2.ts'
import type { ShareV2 } from './shares-v2.ts'

/** What says how the Datanets of a model without indexes share class U. */
export type UnitTerms = { readonly request: InferenceRequest; readonly trainedOn: readonly TrainedOn[] }

/** Under v1: the first entry of class U whose weight is not what the Datanets' make it; undefined where all are right. */
export function wrongUnitV1(entries: readonly SpanEntry[], terms: UnitTerms): ChallengeV2 | undefined {
  const right = terms.trainedOn.length === 0 ? [] : sharesOf(0, [], trainingTokens(terms.trainedOn))
  const wrong = entries.findIndex((entry) => entry.class === entryClasses.U && !isRight(entry, right))
  return wrong < 0 ? undefined : unitChallenge(wrong, '0x', terms)
}

/** ShareJudge's badUnitWeight of the entry at a place. `head`: of the evidence under v2. */
export function unitChallenge(place: number, head: Hex, { request, trainedOn }: UnitTerms): ChallengeV2 {
  const refs = trainedOn.map(({ datanet: id, version, weightBps }) => ({ id, version, weightBps }))
  const claim = { head, request: openedRequest(request), trainedOn: refs }
  return { functionName: 'badUnitWeight', entries: [place], claim, rest: [] }
}

/** Whether an entry has the weight that is its share: nothing where it has none. */
export function isRight(entry: SpanEntry, right: readonly Pick<ShareV2, 'class' | 'id' | 'weight'>[]): boolean {
  const share = right.find((each) => entryClasses[each.class] === entry.class && each.id === entry.id)
  return entry.weight === BigInt(share?.weight ?? 0)
}
