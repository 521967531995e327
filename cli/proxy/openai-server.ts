import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { InferenceReceipt } from '../../protocol/inference-receipt.ts'
import type { AskEvent, WorkerAsker } from './ask-worker.ts'
import { type ChatRequest, readChatRequest } from './chat-request.ts'
import { ProxyError } from './proxy-error.ts'
import type { ServedModel } from './served-models.ts'

/** Longest request, in bytes: a prompt of the longest context. */
const bodyBytesMax = 1_048_576
/** Requests under way at once. */
const requestsMax = 64
const bodyMsMax = 30_000

type Parts = {
  readonly asker: Pick<WorkerAsker, 'ask'>
  readonly models: () => readonly ServedModel[]
  readonly nowMs: () => number
  readonly log: Log
}

/** An endpoint that OpenAI's clients speak to: models, completions and chat completions, streamed or whole. */
export class OpenAiServer {
  readonly #parts: Parts
  readonly #server: Server
  #active = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.#server = createServer((request, response) => void this.#serve(request, response))
    this.#server.requestTimeout = bodyMsMax
  }

  /** Resolves to the port. */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, resolve)
    })
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : port
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort(new Error('the client is gone')))
    try {
      await this.#route(request, response, gone.signal)
    } catch (error) {
      if (gone.signal.aborted) return
      const known = error instanceof ProxyError ? error : undefined
      if (known === undefined) this.#parts.log.error('a request failed', { error: errorMessage(error) })
      const body = { error: { message: known?.message ?? 'the proxy failed', type: known?.code ?? 'server_error' } }
      if (response.headersSent) response.end(`data: ${JSON.stringify(body)}\n\n`)
      else json(response, known?.status ?? 500, body)
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const [target, base] = [request.url ?? '/', 'http://localhost']
    const pathname = URL.canParse(target, base) ? new URL(target, base).pathname : undefined
    if (request.method === 'GET' && pathname === '/v1/models') {
      const data = this.#parts
        .models()
        .flatMap(({ names }) => names.map((id) => ({ id, object: 'model', owned_by: 'openledger' })))
      return json(response, 200, { object: 'list', data })
    }
    const isChat = pathname === '/v1/chat/completions'
    if (!isChat && pathname !== '/v1/completions') return json(response, 404, notFound)
    if (request.method !== 'POST') return json(response, 405, notFound)
    if (this.#active >= requestsMax) throw new ProxyError('no_worker', `${requestsMax} requests are under way`)
    this.#active++
    try {
      await this.#complete(readChatRequest(await bodyOf(request), isChat), response, signal)
    } finally {
      this.#active--
    }
  }

  async #complete(chat: ChatRequest, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const model = this.#parts.models().find(({ names }) => names.includes(chat.base))
    if (model === undefined) throw new ProxyError('model_not_found', `no model ${chat.base}; GET /v1/models lists them`)
    const form = new AnswerForm(chat, Math.floor(this.#parts.nowMs() / 1_000))
    let text = ''
    for await (const event of this.#parts.asker.ask(model, chat, signal)) {
      if (event.kind === 'text') text += event.text
      if (!chat.stream) {
        if (event.kind === 'done') json(response, 200, form.whole(text, event), costHeaders(event))
        continue
      }
      if (!response.headersSent)
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
      if (!response.write(`data: ${JSON.stringify(form.part(event))}\n\n`)) await drained(response, signal)
    }
    if (chat.stream) response.end('data: [DONE]\n\n')
  }
}

type Done = Extract<AskEvent, { kind: 'done' }>

/** Answers in OpenAI's words; what they do not have stands under `openledger`. */
class AnswerForm {
  readonly #chat: ChatRequest
  readonly #head: object

  constructor(chat: ChatRequest, created: number) {
    this.#chat = chat
    this.#head = { created, model: chat.model }
  }

  whole(text: string, done: Done): object {
    const { isChat } = this.#chat
    const choice = isChat ? { message: { role: 'assistant', content: text } } : { text }
    return {
      ...{ id: done.receipt.requestId, object: isChat ? 'chat.completion' : 'text_completion', ...this.#head },
      choices: [{ index: 0, ...choice, finish_reason: done.reason }],
      ...costOf(done),
    }
  }

  part(event: AskEvent): object {
    const { isChat } = this.#chat
    const text = event.kind === 'text' ? event.text : ''
    const choice = isChat ? { delta: event.kind === 'text' ? { role: 'assistant', content: text } : {} } : { text }
    return {
      ...{ object: isChat ? 'chat.completion.chunk' : 'text_completion', ...this.#head },
      choices: [{ index: 0, ...choice, finish_reason: event.kind === 'done' ? event.reason : null }],
      ...(event.kind === 'done' ? { id: event.receipt.requestId, ...costOf(event) } : {}),
    }
  }
}

function costOf({ receipt, unspent }: Done): object {
  const { tin, tout } = receipt
  return {
    usage: { prompt_tokens: tin, completion_tokens: tout, total_tokens: tin + tout },
    openledger: { ...receiptJson(receipt), unspentWei: String(unspent) },
  }
}

function receiptJson({
  requestId,
  worker,
  fee,
  outputRoot,
  traceRoot,
  attrRoot,
  class: proofClass,
}: InferenceReceipt): object {
  return { requestId, worker, feeWei: String(fee), class: proofClass, outputRoot, traceRoot, attrRoot }
}

function costHeaders({ receipt, unspent }: Done): Record<string, string> {
  return {
    'x-openledger-fee-wei': String(receipt.fee),
    'x-openledger-unspent-wei': String(unspent),
    'x-openledger-worker': receipt.worker,
  }
}

const notFound = {
  error: { message: 'GET /v1/models, POST /v1/chat/completions, POST /v1/completions', type: 'invalid_request_error' },
}

function json(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

/** Throws {@link ProxyError}. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length
    if (length > bodyBytesMax) throw new ProxyError('invalid_request_error', `the body is above ${bodyBytesMax} bytes`)
    parts.push(part)
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch (cause) {
    throw new ProxyError('invalid_request_error', 'the body is no JSON', { cause })
  }
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    // Of a client that was gone before neither event comes.
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    response.once('drain', () => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
  })
}
