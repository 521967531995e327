import type { Clock } from '../../common/clock.ts'
import { CodedError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type AskedAnswer, ask, questions } from './ask.ts'
import { type Earning, readPayments } from './payments.ts'
import { type CheckingNode, type NodeVerdict, verdictsOf } from './verdicts.ts'
import { type PaidWords, readWords } from './words.ts'

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
export class RoundError extends CodedError<'unchecked' | 'wrong' | 'unpaid' | 'unexplained' | 'weights'> {}

/** From the last answer until both nodes judged all: they wait for the batch, one of them for L1. */
const checkMsMax = 90_000
/** From the verdicts until all is paid: half a minute of a batch, a minute of an epoch, half of its window. */
const payMsMax = 240_000
/** From then until the indexer shows the words that were paid for: it has the data by then, and loads indexes and a tokenizer. */
const wordsMsMax = 60_000
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
  const read = async () => {
    const { earnings, lacking } = await readPayments(parts.graphqlUrl, requestIdsOf(answers))
    return { found: earnings, lacking }
  }
  return await settled(read, { ...parts, msMax: payMsMax, code: 'unpaid', what: 'payment' })
}

/** Waits until the indexer shows the words that contributions are paid for. Throws {@link RoundError} `unexplained` naming what is missing. */
export async function explained(
  answers: Round['answers'],
  earnings: readonly Earning[],
  parts: RoundParts,
): Promise<readonly PaidWords[]> {
  const read = async () => {
    const { words, lacking } = await readWords(parts.graphqlUrl, requestIdsOf(answers), earnings)
    return { found: words, lacking }
  }
  return await settled(read, { ...parts, msMax: wordsMsMax, code: 'unexplained', what: 'words' })
}

type Waiting = Pick<RoundParts, 'clock' | 'signal' | 'log'> & {
  readonly msMax: number
  readonly code: 'unpaid' | 'unexplained'
  readonly what: string
}

/** Reads until nothing is lacking. Throws {@link RoundError} naming what still is. */
async function settled<T>(
  read: () => Promise<{ readonly found: T; readonly lacking: string | undefined }>,
  { clock, signal, log, msMax, code, what }: Waiting,
): Promise<T> {
  const deadline = clock.nowMs() + msMax
  let shown: string | undefined
  for (;;) {
    const now = await read().catch((error: unknown) => ({ found: undefined, lacking: String(error) }))
    if (now.lacking === undefined) return now.found as T
    const { lacking } = now
    if (signal.aborted || clock.nowMs() > deadline) throw new RoundError(code, lacking)
    if (lacking !== shown) log.info(`waiting for ${what}`, { lacking })
    shown = lacking
    await clock.sleep(pollMs, signal)
  }
}

function requestIdsOf(answers: Round['answers']): Hex[] {
  return answers.map(({ answer }) => answer.requestId)
}
