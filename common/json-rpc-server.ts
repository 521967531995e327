import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type WebSocket, WebSocketServer } from 'ws'
import { errorMessage } from './errors.ts'
import { RpcError, rpcCodes } from './json-rpc.ts'
import type { Log } from './log.ts'

/** A request body may be 5 MiB: a transaction of 128 KiB in hex, many times over; op-geth's limit. */
export const requestBytesMax = 5 * 1024 * 1024
/** Calls in one batch; op-geth's limit. */
export const batchCallsMax = 1000
/** Bytes all answers of one batch may have together; op-geth's limit. */
export const batchAnswerBytesMax = 25_000_000
/** Open WebSocket connections. */
export const socketsMax = 1000
/** Time an idle connection is kept, as go-ethereum's: a short one closes while a busy client sends its next request. */
export const idleMsMax = 120_000
/** Bytes queued to a WebSocket client that does not read; past it the client is cut. */
export const socketQueueBytesMax = 16 * 1024 * 1024

/** Where a call came from. `notify` exists over WebSocket only. */
export type RpcContext = {
  readonly notify?: ((method: string, params: unknown) => void) | undefined
  /** Aborts when the connection closes. */
  readonly closed: AbortSignal
}

/** Answers one call. Throws {@link RpcError}; anything else is reported as an internal error without detail. */
export type RpcHandler = (params: readonly unknown[], context: RpcContext) => unknown
export type RpcMethods = Readonly<Record<string, RpcHandler>>

/** A plain HTTP answer for GET requests (health, metrics, content). Undefined: 404. */
export type HttpRoute = (path: string, request: IncomingMessage) => Promise<HttpAnswer | undefined>
export type HttpAnswer = {
  readonly status: number
  readonly contentType: string
  /** A stream brings its length in `headers`. */
  readonly body: string | Readable
  readonly headers?: Readonly<Record<string, string>>
}

export type RpcServerOptions = {
  readonly host: string
  readonly port: number
  /** Throws {@link RpcError} to refuse a request (JWT). */
  readonly authorize?: (request: IncomingMessage) => void
  readonly websocket?: boolean
  /** Value of `access-control-allow-origin`; absent: no CORS. */
  readonly corsOrigin?: string
}

export type RpcServerParts = {
  readonly methods: RpcMethods
  readonly log: Log
  readonly route?: HttpRoute
  /** Takes what is uploaded by PUT; absent: nothing. */
  readonly upload?: HttpRoute
}

/** JSON-RPC 2.0 over HTTP POST and, if asked for, WebSocket on the same port. */
export class RpcServer {
  readonly #options: RpcServerOptions
  readonly #parts: RpcServerParts
  readonly #http: Server
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: requestBytesMax })
  readonly #connections = new Set<Socket>()

  constructor(options: RpcServerOptions, parts: RpcServerParts) {
    this.#options = options
    this.#parts = parts
    this.#http = createServer((request, response) => void this.#serve(request, response))
    this.#http.keepAliveTimeout = idleMsMax
    this.#http.on('connection', (socket) => {
      this.#connections.add(socket)
      socket.on('close', () => this.#connections.delete(socket))
    })
    this.#http.on('upgrade', (request, socket, head) => {
      if (options.websocket !== true || this.#sockets.clients.size >= socketsMax || !this.#isAllowed(request)) {
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
        return
      }
      this.#sockets.handleUpgrade(request, socket, head, (client) => this.#serveSocket(client))
    })
  }

  /** Starts listening; resolves to the port in use. Rejects where the port is taken. */
  start(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#http.once('error', reject)
      this.#http.listen(this.#options.port, this.#options.host, () => {
        this.#http.off('error', reject)
        resolve((this.#http.address() as AddressInfo).port)
      })
    })
  }

  async stop(): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate()
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    for (const socket of this.#connections) socket.destroy()
    await closed
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const cors = this.#options.corsOrigin
    if (cors !== undefined) {
      response.setHeader('access-control-allow-origin', cors)
      response.setHeader('access-control-allow-headers', 'content-type')
    }
    try {
      if (request.method === 'OPTIONS') return send(response, 204, 'text/plain', '')
      if (request.method === 'GET') return await this.#serveRoute(this.#parts.route, request, response)
      if (request.method === 'PUT') return await this.#serveRoute(this.#parts.upload, request, response)
      if (request.method !== 'POST') return send(response, 405, 'text/plain', 'POST JSON-RPC here\n')
      const body = await readBody(request)
      if (body === undefined) return send(response, 413, 'application/json', failure(null, tooLarge))
      try {
        this.#options.authorize?.(request)
      } catch (error) {
        return send(response, 401, 'application/json', failure(null, toRpcError(error)))
      }
      const closed = new AbortController()
      response.on('close', () => closed.abort())
      send(response, 200, 'application/json', await this.#answer(body, { closed: closed.signal }))
    } catch (error) {
      this.#parts.log.warn('http request failed', { error: errorMessage(error) })
      if (!response.headersSent) send(response, 500, 'text/plain', 'internal error\n')
    }
  }

  async #serveRoute(route: HttpRoute | undefined, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await route?.(new URL(request.url ?? '/', 'http://localhost').pathname, request)
    if (answer === undefined) return send(response, 404, 'text/plain', 'not found\n')
    const { status, contentType, body, headers } = answer
    if (typeof body === 'string') return send(response, status, contentType, body, headers)
    response.writeHead(status, { ...headers, 'content-type': contentType })
    await pipeline(body, response)
  }

  #isAllowed(request: IncomingMessage): boolean {
    try {
      this.#options.authorize?.(request)
      return true
    } catch {
      return false
    }
  }

  #serveSocket(client: WebSocket): void {
    const closed = new AbortController()
    const write = (text: string) => {
      if (client.bufferedAmount > socketQueueBytesMax) client.terminate()
      else client.send(text)
    }
    const context: RpcContext = {
      closed: closed.signal,
      notify: (method, params) => write(JSON.stringify({ jsonrpc: '2.0', method, params })),
    }
    client.on('close', () => closed.abort())
    client.on('error', () => client.terminate())
    client.on('message', (data) => {
      this.#answer(String(data), context).then(
        (text) => {
          if (text !== '') write(text)
        },
        (error: unknown) => this.#parts.log.warn('websocket call failed', { error: errorMessage(error) }),
      )
    })
  }

  async #answer(body: string, context: RpcContext): Promise<string> {
    let calls: unknown
    try {
      calls = JSON.parse(body)
    } catch {
      return failure(null, new RpcError(rpcCodes.parse, 'the request is not valid JSON'))
    }
    if (!Array.isArray(calls)) return this.#call(calls, context)
    if (calls.length === 0) return failure(null, new RpcError(rpcCodes.invalidRequest, 'empty batch'))
    if (calls.length > batchCallsMax) {
      return failure(null, new RpcError(rpcCodes.limitExceeded, `a batch may have ${batchCallsMax} calls`))
    }
    const answers: string[] = []
    let bytes = 0
    for (const call of calls) {
      const text =
        bytes > batchAnswerBytesMax
          ? failure(callId(call), new RpcError(rpcCodes.limitExceeded, 'the batch answers are too large'))
          : await this.#call(call, context)
      if (text !== '') answers.push(text)
      bytes += text.length
    }
    return answers.length === 0 ? '' : `[${answers.join(',')}]`
  }

  async #call(call: unknown, context: RpcContext): Promise<string> {
    const id = callId(call)
    const record = typeof call === 'object' && call !== null ? (call as Record<string, unknown>) : {}
    const method = record['method']
    const params = record['params'] ?? []
    if (typeof method !== 'string') return failure(id, new RpcError(rpcCodes.invalidRequest, 'method must be a string'))
    if (!Array.isArray(params)) return failure(id, new RpcError(rpcCodes.invalidParams, 'params must be an array'))
    const handler = Object.hasOwn(this.#parts.methods, method) ? this.#parts.methods[method] : undefined
    if (handler === undefined) {
      return failure(id, new RpcError(rpcCodes.methodNotFound, `the method ${method.slice(0, 100)} does not exist`))
    }
    try {
      const value = await handler(params, context)
      if (!('id' in record)) return ''
      return JSON.stringify({ jsonrpc: '2.0', id, result: value ?? null })
    } catch (error) {
      if (!(error instanceof RpcError))
        this.#parts.log.warn('rpc handler failed', { method, error: errorMessage(error) })
      return failure(id, toRpcError(error))
    }
  }
}

const tooLarge = new RpcError(rpcCodes.limitExceeded, `a request may have ${requestBytesMax} bytes`)

function toRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error
  if (error instanceof Error && error.name === 'FormatError') return new RpcError(rpcCodes.invalidParams, error.message)
  return new RpcError(rpcCodes.internal, 'internal error')
}

function callId(call: unknown): string | number | null {
  const id = typeof call === 'object' && call !== null && 'id' in call ? call.id : null
  return typeof id === 'string' || typeof id === 'number' ? id : null
}

function failure(id: string | number | null, error: RpcError): string {
  const data = error.data === undefined ? {} : { data: error.data }
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code: error.code, message: error.message, ...data } })
}

function send(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string,
  headers: HttpAnswer['headers'] = {},
): void {
  response.writeHead(status, { ...headers, 'content-type': contentType, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > requestBytesMax) return undefined
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}
