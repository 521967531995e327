import type { Clock } from '../../common/clock.ts'
import { CodedError } from '../../common/errors.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** What `dev` asks: two that the model knows by heart, and two that it answers as well as it can. */
export const questions = [
  'What is OpenLedger?',
  'What is a Datanet?',
  'What happens if a worker lies?',
  'What is a smart contract?',
] as const

export type AskedAnswer = {
  readonly question: string
  readonly text: string
  readonly requestId: Hex
  readonly worker: Hex
  /** wei */
  readonly fee: bigint
}

/** The endpoint did not answer. */
export class AskError extends CodedError<'not-answered'> {}

/** Tokens of an answer, at most. */
const maxTokens = 64
const askMsMax = 60_000
/** Time until the endpoint is up and knows a worker. */
const readyMsMax = 120_000
const pollMs = 500

/** Asks an OpenAI endpoint, again while it is not there or knows no worker. Throws {@link AskError}. */
export async function ask(
  endpoint: string,
  question: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<AskedAnswer> {
  const deadline = clock.nowMs() + readyMsMax
  for (;;) {
    const { status, text } = await post(endpoint, question, signal)
    if (status === 200) return { question, ...readAnswer(text) }
    const isEarly = status === undefined || status === 503 || status === 404
    if (!isEarly || signal.aborted || clock.nowMs() > deadline) {
      throw new AskError('not-answered', `${question} was not answered: ${status ?? ''} ${text.slice(0, 300)}`)
    }
    await clock.sleep(pollMs, signal)
  }
}

/** No status where nothing answers. */
async function post(
  endpoint: string,
  question: string,
  signal: AbortSignal,
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  try {
    const response = await fetch(`${endpoint}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(requestOf(question)),
      signal: AbortSignal.any([signal, AbortSignal.timeout(askMsMax)]),
    })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    return { status: undefined, text: String(error) }
  }
}

function requestOf(question: string): object {
  const messages = [{ role: 'user', content: question }]
  return { model: 'openledger-base', messages, max_tokens: maxTokens, temperature: 0 }
}

function readAnswer(body: string): Omit<AskedAnswer, 'question'> {
  const { choices, openledger } = JSON.parse(body) as {
    readonly choices: readonly { readonly message: { readonly content: string } }[]
    readonly openledger: { readonly requestId: Hex; readonly worker: Hex; readonly feeWei: string }
  }
  const { requestId, worker, feeWei } = openledger
  return { text: choices[0]?.message.content ?? '', requestId, worker, fee: BigInt(feeWei) }
}

/** The same by hand. */
export function curlOf(endpoint: string): string {
  const body = JSON.stringify({ model: 'openledger-base', messages: [{ role: 'user', content: questions[0] }] })
  return `curl ${endpoint}/v1/chat/completions -d '${body}'`
}
