import { CodedError } from './errors.ts'

/** JSON-RPC 2.0 error codes used here. Sources: the JSON-RPC specification, EIP-1474, the Engine API. */
export const rpcCodes = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  server: -32000,
  notFound: -32001,
  limitExceeded: -32005,
  reverted: 3,
} as const

/** An error that travels as a JSON-RPC error object. Handlers throw it; clients get it for a remote error. */
export class RpcError extends Error {
  override name = 'RpcError'
  readonly code: number
  readonly data: unknown
  /** The message as the peer sent it, where `message` says before it what was asked. */
  readonly peerMessage: string

  constructor(code: number, message: string, data?: unknown, peerMessage: string = message) {
    super(message)
    this.code = code
    this.data = data
    this.peerMessage = peerMessage
  }
}

/** What came over HTTP in place of JSON-RPC. */
export type HttpAnswer = {
  readonly status: number
  /** Its beginning. */
  readonly text: string
  /** The server's clock, ms since 1970, where it tells. */
  readonly dateMs: number | undefined
}

/** The peer could not be reached, or answered something that is no JSON-RPC. Worth a retry. */
export class TransportError extends CodedError<'transport'> {
  readonly answer: HttpAnswer | undefined

  constructor(message: string, options: ErrorOptions & { readonly answer?: HttpAnswer } = {}) {
    super('transport', message, options)
    this.answer = options.answer
  }
}

export type RpcClient = { readonly request: (method: string, params?: readonly unknown[]) => Promise<unknown> }

export type HttpRpcOptions = {
  readonly url: string
  readonly timeoutMs: number
  /** Extra headers, computed for each request (a fresh JWT, say). */
  readonly headers?: () => Record<string, string>
  /** Ends requests under way and refuses new ones. */
  readonly signal?: AbortSignal
}

/** Characters of an answer without JSON that an error repeats. */
const answerTextMax = 200

/** JSON-RPC over HTTP POST. Throws {@link RpcError} for the peer's errors and {@link TransportError} for the wire's. */
export class HttpRpcClient implements RpcClient {
  readonly #options: HttpRpcOptions
  #nextId = 1

  constructor(options: HttpRpcOptions) {
    this.#options = options
  }

  get url(): string {
    return this.#options.url
  }

  /** `timeoutMs` stands in place of the client's. */
  readonly request = async (method: string, params: readonly unknown[] = [], timeoutMs?: number): Promise<unknown> => {
    const answer = await this.#post({ jsonrpc: '2.0', id: this.#nextId++, method, params }, timeoutMs)
    return rpcResult(answer, method)
  }

  /** One HTTP request for many calls. The answers stand in the order of the calls; an error stands in place of a value. */
  async batch(calls: readonly { readonly method: string; readonly params: readonly unknown[] }[]): Promise<unknown[]> {
    if (calls.length === 0) return []
    const first = this.#nextId
    this.#nextId += calls.length
    const answers = await this.#post(calls.map((call, i) => ({ jsonrpc: '2.0', id: first + i, ...call })))
    if (!Array.isArray(answers)) return [rpcResult(answers, 'batch')]
    const byId = new Map(answers.map((answer) => [isRecord(answer) ? answer['id'] : undefined, answer]))
    return calls.map((call, i) => {
      try {
        return rpcResult(byId.get(first + i), call.method)
      } catch (error) {
        return error
      }
    })
  }

  async #post(body: unknown, timeoutMs = this.#options.timeoutMs): Promise<unknown> {
    const { url, headers, signal } = this.#options
    let text: string
    let status: number
    let date: string | null
    // By hand and not with AbortSignal.any, which on Node 20 keeps what it made for as long as `signal` lives.
    const over = new AbortController()
    const end = () => over.abort()
    const timer = setTimeout(end, timeoutMs)
    signal?.addEventListener('abort', end, { once: true })
    try {
      if (signal?.aborted === true) throw new Error('stopping')
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers?.() },
        body: JSON.stringify(body),
        signal: over.signal,
      })
      status = response.status
      date = response.headers.get('date')
      text = await response.text()
    } catch (cause) {
      throw new TransportError(`no answer from ${withoutSecrets(url)}`, { cause })
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
    }
    try {
      return JSON.parse(text)
    } catch (cause) {
      const answer = { status, text: text.slice(0, answerTextMax).trim(), dateMs: timeOf(date) }
      throw new TransportError(`${withoutSecrets(url)} answered HTTP ${status} without JSON: ${answer.text}`, {
        cause,
        answer,
      })
    }
  }
}

/** A URL fit for a log line: no user, password, path or query, which may carry an API key. */
export function withoutSecrets(url: string): string {
  try {
    const { protocol, host } = new URL(url)
    return `${protocol}//${host}`
  } catch {
    return 'an invalid URL'
  }
}

function timeOf(date: string | null): number | undefined {
  const ms = date === null ? Number.NaN : Date.parse(date)
  return Number.isNaN(ms) ? undefined : ms
}

/** The `result` of an answer. Throws {@link RpcError} for its `error`, {@link TransportError} for what is no answer. */
export function rpcResult(answer: unknown, method: string): unknown {
  if (!isRecord(answer)) throw new TransportError(`${method}: the answer is no JSON-RPC object`)
  const error = answer['error']
  if (isRecord(error)) {
    const code = typeof error['code'] === 'number' ? error['code'] : rpcCodes.internal
    const message = String(error['message'])
    throw new RpcError(code, `${method}: ${message}`, error['data'], message)
  }
  if (!('result' in answer)) throw new TransportError(`${method}: the answer has neither result nor error`)
  return answer['result']
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
