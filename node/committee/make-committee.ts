import { fingerprintDemandsOf } from '../../chain/ledger/fingerprint-demands.ts'
import type { Verdict } from '../../inference/check/verdict.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { caseKinds } from '../../protocol/committee-vote.ts'
import { CheckerError } from '../checker/checker-error.ts'
import type { SettledAnswer, SettledAnswers } from '../checker/settled-answers.ts'
import { Committee, type CommitteeParts } from './committee.ts'
import { floatAnswerOf, shownFingerprint } from './float-answer.ts'
import type { FloatOutcome, FloatTask } from './float-jobs.ts'
import type { QueryCheck } from './query-check.ts'

type Parts = Omit<CommitteeParts, 'judge' | 'judgeShown'> & {
  readonly floats: { check(task: FloatTask): Promise<FloatOutcome> }
  readonly answers: Pick<SettledAnswers, 'all'>
  /** What a check of the fingerprint that the worker served said; undefined where there was none. */
  readonly found: (answer: SettledAnswer) => Verdict | undefined
  /** Judges query sketches. */
  readonly sketches: Pick<QueryCheck, 'isWrong'>
  /** Root of a version's weights; undefined where there is none. */
  readonly modelRoot: (modelVersion: Hex) => Promise<Hex | undefined>
}

export type CheckerCommitteePart = {
  readonly look: (signal: AbortSignal) => Promise<void>
  /** Until what is judged now is. */
  readonly judged: () => Promise<void>
  /** Judges an answer by its fingerprint. Throws {@link CheckerError} where its model or an adapter is not here. */
  readonly check: (answer: SettledAnswer, file: Uint8Array) => Promise<Verdict>
}

/**
 * The committee with what judges: of fingerprints float engines of the models here, by what a check found before, or bytes that the chain was
 * shown; of query sketches gradients of the models here.
 */
export function makeCommittee(parts: Parts): CheckerCommitteePart {
  const { book, floats, sketches, answers, found, modelRoot } = parts

  const check = async (answer: SettledAnswer, file: Uint8Array): Promise<Verdict> => {
    const { modelVersion, adapters } = answer.request
    const model = await modelRoot(modelVersion)
    const outcome =
      model === undefined ? 'no-model' : await floats.check({ model, adapters, answer: floatAnswerOf(answer), file })
    if (outcome === 'no-model') throw new CheckerError('no-model', 'the model of a float answer is not here')
    if (outcome === 'no-adapter')
      throw new CheckerError('no-adapter', 'no node that is asked has an adapter of a float answer')
    if (outcome.ok) return { ok: true }
    return { ok: false, kind: 'answer', position: outcome.position, reason: outcome.reason }
  }

  const isWrong = async (answer: SettledAnswer, file: Uint8Array | undefined): Promise<boolean | undefined> => {
    if (file === undefined) return undefined
    try {
      return !(await check(answer, file)).ok
    } catch (error) {
      if (error instanceof CheckerError) return undefined
      throw error
    }
  }

  const shown = (answer: SettledAnswer) => shownFingerprint(book, fingerprintDemandsOf(book, answer.batchId), answer)

  const judge: CommitteeParts['judge'] = async ({ kind, batchId, receipt, evidence }, isLate) => {
    const answer = answers.all().find((each) => each.batchId === batchId && each.index === receipt)
    if (answer === undefined) return undefined
    if (kind === caseKinds.sketch) return await sketches.isWrong(answer, evidence)
    if (kind !== caseKinds.fingerprint) return undefined
    const known = found(answer)
    if (known !== undefined) return !known.ok
    const file = shown(answer)
    // What nobody is shown nobody can call wrong: who opened the case could have it shown on chain.
    return file === undefined && isLate ? false : await isWrong(answer, file)
  }

  const committee = new Committee({
    ...parts,
    judge,
    judgeShown: (answer) => isWrong(answer, shown(answer)),
  })
  return { check, look: (signal) => committee.look(signal), judged: () => committee.judged() }
}
