import type { Clock } from '../../common/clock.ts'
import { CodedError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { type AskedAnswer, ask, questions } from './ask.ts'
import { type Earning, readPayments } from './payments.ts'
import { type CheckingNode, type NodeVerdict, verdictsOf } from './verdicts.ts'

/** Answers that were asked for, checked and paid. */
export type Round = {
  readonly answers: readonly { readonly answer: AskedAnswer; readonly verdicts: readonly NodeVerdict[] }[]
  readonly earnings: readonly Earning[]
}

export type RoundParts = {
  readonly endpoint: string
  readonly nodes: readonly CheckingNode[]
  readonly graphqlUrl: string
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: Log
}

/** Something of a round did not hold. */
export class RoundError extends CodedError<'unchecked' | 'wrong' | 'unpaid' | 'weights'> {}

/** From the last answer until both nodes judged all: they wait for the batch, one of them for L1. */
const checkMsMax = 90_000
/** From the verdicts until all is paid: half a minute of a batch, a minute of an epoch, half of its window. */
const payMsMax = 240_000
const pollMs = 1_000

/** Asks all questions and has each answer judged by all nodes. Throws AskError and {@link RoundError}. */
export async function askAndCheck(parts: RoundParts): Promise<Round['answers']> {
  const { endpoint, nodes, clock, signal, log } = parts
  const asked: AskedAnswer[] = []
  for (const question of questions) {
    asked.push(await ask(endpoint, question, parts))
    log.info('answered', { question, answer: asked.at(-1)?.text, fee: asked.at(-1)?.fee })
  }
  const deadline = clock.nowMs() + checkMsMax
  const answers: { answer: AskedAnswer; verdicts: NodeVerdict[] }[] = []
  for (const answer of asked) {
    const msMax = Math.max(0, deadline - clock.nowMs())
    const verdicts = await verdictsOf(nodes, answer.requestId, { clock, signal, msMax })
    for (const { node, result } of verdicts) {
      const of = `“${answer.question}” (${answer.requestId})`
      if (result === undefined) throw new RoundError('unchecked', `${node} did not judge the answer to ${of}`)
      if (result !== 'sound') throw new RoundError('wrong', `${node} found the answer to ${of} wrong: ${result}`)
    }
    answers.push({ answer, verdicts })
  }
  const isMixed = answers.every(({ verdicts }) =>
    [true, false].every((has) => verdicts.some((v) => v.hasWeights === has)),
  )
  if (!isMixed) throw new RoundError('weights', 'answers are to be checked by a node with weights and by one without')
  return answers
}

/** Waits until every payee of the answers is paid. Throws {@link RoundError} `unpaid` naming what is missing. */
export async function paid(answers: Round['answers'], parts: RoundParts): Promise<readonly Earning[]> {
  const { graphqlUrl, clock, signal, log } = parts
  const deadline = clock.nowMs() + payMsMax
  const requestIds = answers.map(({ answer }) => answer.requestId)
  let shown: string | undefined
  for (;;) {
    const { earnings, lacking } = await readPayments(graphqlUrl, requestIds).catch((error: unknown) => ({
      ...{ earnings: [], lacking: String(error) },
    }))
    if (lacking === undefined) return earnings
    if (signal.aborted || clock.nowMs() > deadline) throw new RoundError('unpaid', lacking)
    if (lacking !== shown) log.info('waiting for payment', { lacking })
    shown = lacking
    await clock.sleep(pollMs, signal)
  }
}
