import { WebSocket } from 'ws'
import type { Clock } from './clock.ts'
import { type RpcClient, rpcResult, TransportError, withoutSecrets } from './json-rpc.ts'

/** Calls that wait for their answer at once; more are refused. */
export const pendingCallsMax = 1_000
/** Bytes of one message: a block's receipts have some 10 MB in JSON, a trace more. */
export const messageBytesMax = 256 * 1024 * 1024
/** Wait before a lost subscription is asked for again, doubling until a notice came. */
export const resubscribeMs = { first: 500, max: 30_000 } as const
/** A connection is pinged that often, and given up where the last ping was not answered. */
export const pingMs = 15_000

export type WsRpcOptions = {
  /** `ws:` or `wss:`. */
  readonly url: string
  /** For the handshake, and for one call. */
  readonly timeoutMs: number
  /** Closes the connection and refuses new calls. */
  readonly signal?: AbortSignal
}

type Call = { readonly method: string; readonly params: readonly unknown[] }

/**
 * JSON-RPC over one WebSocket, which is opened by the first call and again after it was lost. Throws {@link RpcError} for
 * the peer's errors and {@link TransportError} for the wire's; subscriptions come back by themselves.
 */
export class WsRpcClient implements RpcClient {
  readonly #options: WsRpcOptions
  readonly #clock: Clock
  readonly #pending = new Map<number, Pending>()
  readonly #listeners = new Map<string, (notice: unknown) => void>()
  #socket: Promise<WebSocket> | undefined
  #nextId = 1

  constructor(options: WsRpcOptions, { clock }: { readonly clock: Clock }) {
    this.#options = options
    this.#clock = clock
  }

  get url(): string {
    return this.#options.url
  }

  readonly request = async (method: string, params: readonly unknown[] = []): Promise<unknown> =>
    this.#call(await this.#connected(), { method, params })

  /** The answers stand in the order of the calls; an error stands in place of a value. */
  async batch(calls: readonly Call[]): Promise<unknown[]> {
    const socket = await this.#connected()
    return Promise.all(calls.map((call) => this.#call(socket, call).catch((error: unknown) => error)))
  }

  /** Follows `eth_subscribe` with `params` until the answer is called, over every loss of the connection. */
  subscribe(params: readonly unknown[], onNotice: (notice: unknown) => void): () => void {
    const over = new AbortController()
    const { signal } = this.#options
    const end = () => over.abort()
    signal?.addEventListener('abort', end, { once: true })
    void this.#keepSubscribed(params, onNotice, over.signal)
    return () => {
      signal?.removeEventListener('abort', end)
      end()
    }
  }

  /** Never rejects: a peer that refuses is asked again, ever more seldom. */
  async #keepSubscribed(params: readonly unknown[], onNotice: (notice: unknown) => void, over: AbortSignal) {
    let waitMs: number = resubscribeMs.first
    const listener = (notice: unknown) => {
      waitMs = resubscribeMs.first
      onNotice(notice)
    }
    while (!over.aborted) {
      let id: string | undefined
      try {
        const socket = await this.#connected()
        // Set before the next message is read: the first notice may come in one piece with the answer.
        const onValue = (value: unknown) => {
          id = String(value)
          this.#listeners.set(id, listener)
        }
        await this.#call(socket, { method: 'eth_subscribe', params }, onValue)
        await closed(socket, over)
      } catch {
        // Asked again below; what else the connection is used for reports its loss.
      }
      if (id !== undefined) this.#listeners.delete(id)
      if (!over.aborted) await this.#clock.sleep(waitMs, over)
      waitMs = Math.min(2 * waitMs, resubscribeMs.max)
    }
  }

  #call(socket: WebSocket, { method, params }: Call, onValue?: (value: unknown) => void): Promise<unknown> {
    if (this.#pending.size >= pendingCallsMax) throw this.#lost(`has ${pendingCallsMax} calls to answer`)
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(this.#lost(`did not answer ${method} in time`)), this.#options.timeoutMs)
      const settle = (answer: unknown) => {
        clearTimeout(timer)
        this.#pending.delete(id)
        if (answer instanceof TransportError) return reject(answer)
        try {
          const value = rpcResult(answer, method)
          onValue?.(value)
          resolve(value)
        } catch (error) {
          reject(error)
        }
      }
      this.#pending.set(id, { socket, settle })
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    })
  }

  #connected(): Promise<WebSocket> {
    if (this.#options.signal?.aborted === true) return Promise.reject(this.#lost('is no longer asked'))
    this.#socket ??= this.#open()
    return this.#socket
  }

  #open(): Promise<WebSocket> {
    const { url, timeoutMs, signal } = this.#options
    const socket = new WebSocket(url, { handshakeTimeout: timeoutMs, maxPayload: messageBytesMax })
    const end = () => socket.terminate()
    signal?.addEventListener('abort', end, { once: true })
    const opened = new Promise<WebSocket>((resolve, reject) => {
      let fault: Error | undefined
      socket.once('open', () => resolve(socket))
      socket.on('error', (error) => {
        fault = error
      })
      socket.once('close', () => {
        signal?.removeEventListener('abort', end)
        this.#socket = undefined
        const lost = this.#lost('closed the connection', fault)
        reject(lost)
        for (const pending of [...this.#pending.values()]) if (pending.socket === socket) pending.settle(lost)
      })
    })
    socket.on('message', (data) => this.#onMessage(String(data)))
    keepAlive(socket)
    return opened
  }

  #onMessage(text: string): void {
    let message: unknown
    try {
      message = JSON.parse(text)
    } catch {
      return
    }
    if (typeof message !== 'object' || message === null) return
    const { id, params } = message as { id?: unknown; params?: { subscription?: unknown; result?: unknown } }
    if (typeof id === 'number') this.#pending.get(id)?.settle(message)
    else if (typeof params === 'object' && params !== null) {
      this.#listeners.get(String(params.subscription))?.(params.result)
    }
  }

  #lost(what: string, cause?: unknown): TransportError {
    return new TransportError(`${withoutSecrets(this.#options.url)} ${what}`, cause === undefined ? {} : { cause })
  }
}

type Pending = { readonly socket: WebSocket; readonly settle: (answer: unknown) => void }

/** Finds a connection whose peer is gone without a word, as behind a NAT that forgot it. */
function keepAlive(socket: WebSocket): void {
  let answered = true
  const timer = setInterval(() => {
    if (!answered) return socket.terminate()
    answered = false
    if (socket.readyState === WebSocket.OPEN) socket.ping()
  }, pingMs)
  timer.unref()
  socket.on('pong', () => {
    answered = true
  })
  socket.on('message', () => {
    answered = true
  })
  socket.once('close', () => clearInterval(timer))
}

function closed(socket: WebSocket, signal: AbortSignal): Promise<void> {
  if (socket.readyState !== WebSocket.OPEN || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      socket.off('close', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    socket.once('close', done)
    signal.addEventListener('abort', done, { once: true })
  })
}
