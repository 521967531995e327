import { type FloatEngine, type FloatStep, fingerprintKinds } from '../../inference/float/float-engine.ts'
import { WorkerError } from '../worker-error.ts'

export type OpenAiOptions = {
  /** Root of the API, such as `http://127.0.0.1:8000/v1`. */
  readonly url: string
  /** The server's name of the model. */
  readonly model: string
  /** Name of a token in the answers' `top_logprobs`, as the server writes it: `token_id:7` where it is asked for ids. */
  readonly tokenOf: (name: string) => number | undefined
  readonly config: FloatEngine['config']
  /** The name is an adapter's: the server must have it in its list of models, since some answer by the base under any name. */
  readonly isAdapter?: boolean
  readonly apiKey?: string
  readonly fetch?: typeof fetch
}

/** Log-probabilities of a position that are asked for: what servers give. */
export const candidatesMax = 20
const answerMsMax = 120_000
const listMsMax = 10_000
const answerBytesMax = 16 * 2 ** 20

type ModelList = { readonly data?: readonly ({ readonly id?: string } | null)[] }
type Completion = {
  readonly choices?: readonly {
    readonly logprobs?: { readonly top_logprobs?: readonly (Readonly<Record<string, number>> | null)[] }
  }[]
}

/**
 * Any server of the completions API that takes token ids as prompt and gives `top_logprobs` by their names, as vLLM does: the tokens are
 * drawn here. It knows {@link candidatesMax} candidates of a position. Throws {@link WorkerError} `server`, and `no-adapter` where it does not
 * serve an adapter that is asked for.
 */
export function openAiEngine(options: OpenAiOptions): FloatEngine {
  return {
    config: options.config,
    kind: fingerprintKinds.logits,
    candidatesMax,
    start: async () => {
      if (options.isAdapter === true) await requireListed(options)
      const tokens: number[] = []
      return {
        // A request for each position, as when the answer is made: told with an echo of the prompt they would need the server's tokenizer, and
        // an answer as long as the prompt.
        append: async (added, from, signal) => {
          const steps: FloatStep[] = []
          for (const [i, token] of added.entries()) {
            tokens.push(token)
            if (i >= from) steps.push(stepOf(options, await candidates(options, tokens, signal)))
          }
          return steps
        },
        close: () => {},
      }
    },
  }
}

/** Log-probabilities of the token behind a prompt, by the server's names. */
async function candidates(options: OpenAiOptions, prompt: readonly number[], signal: AbortSignal) {
  const { url, model } = options
  const body = {
    model,
    prompt,
    max_tokens: 1,
    temperature: 0,
    logprobs: candidatesMax,
    return_tokens_as_token_ids: true,
  }
  const text = await ask(options, 'completions', body, signal)
  const top = parsed<Completion>(text)?.choices?.[0]?.logprobs?.top_logprobs?.[0]
  if (typeof top !== 'object' || top === null) throw new WorkerError('server', `${url} gives no log-probabilities`)
  return top
}

/** Throws {@link WorkerError} `no-adapter`. */
async function requireListed(options: OpenAiOptions): Promise<void> {
  const list = parsed<ModelList>(await ask(options, 'models', undefined, AbortSignal.timeout(listMsMax)))?.data
  if (Array.isArray(list) && list.some((each) => each?.id === options.model)) return
  throw new WorkerError('no-adapter', `${options.url} serves no adapter under the name ${options.model}`)
}

/** Text of an answer; with a body, of a POST. */
async function ask(
  { url, apiKey, fetch: send = fetch }: OpenAiOptions,
  path: string,
  body: object | undefined,
  signal: AbortSignal,
): Promise<string> {
  const headers = { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) }
  try {
    const response = await send(`${url}/${path}`, {
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      headers,
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)]),
    })
    if (!response.ok) throw new WorkerError('server', `${url} answers ${response.status}`)
    return await bounded(response)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof WorkerError) throw error
    throw new WorkerError('server', `${url} does not answer`, { cause: error })
  }
}

async function bounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.length
    if (bytes > answerBytesMax) throw new WorkerError('server', `an answer of more than ${answerBytesMax} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T
  } catch {
    return undefined
  }
}

function stepOf({ config, tokenOf }: OpenAiOptions, top: Readonly<Record<string, number>>): FloatStep {
  const logits = new Float64Array(config.vocab).fill(Number.NEGATIVE_INFINITY)
  for (const [name, logProbability] of Object.entries(top)) {
    const token = tokenOf(name)
    if (token !== undefined && token < config.vocab && Number.isFinite(logProbability)) logits[token] = logProbability
  }
  return { logits, areLogProbabilities: true }
}
