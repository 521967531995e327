import type { Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import { RpcError, rpcCodes, TransportError, withoutSecrets } from '../../common/json-rpc.ts'
import type { Log } from '../../common/log.ts'
import { counter } from '../../common/metrics.ts'
import { FormatError } from '../../protocol/bytes.ts'
import { L1Error } from './l1-error.ts'

/** Requests in flight at once over all endpoints; op-node's default for L1. */
export const requestsInFlightMax = 10
/** Calls of one HTTP batch; op-node's default, which public providers accept. */
export const callsPerBatchMax = 20
/** An endpoint that failed is passed over for one second, doubling up to eight. */
export const endpointRestMs = { first: 1_000, max: 8_000 } as const
/** Rounds over all endpoints before a request is given up; its caller tries again later. */
export const roundsMax = 3

export type RpcCall = { readonly method: string; readonly params: readonly unknown[] }

/** One JSON-RPC server; l1-endpoints.ts makes them. */
export type L1Endpoint = {
  readonly url: string
  readonly request: (method: string, params?: readonly unknown[]) => Promise<unknown>
  /** An error stands in place of a value. */
  readonly batch: (calls: readonly RpcCall[]) => Promise<unknown[]>
}

/** Reads an answer. Undefined: the endpoint does not have it. Throws FormatError for an answer that is wrong. */
export type Parse<T> = (answer: unknown) => T | undefined

/**
 * JSON-RPC over several endpoints: the first in the list that is well is asked, the next takes over when it fails, is
 * rate-limited, or answers what does not check out.
 */
export class L1Rpc {
  readonly #endpoints: readonly EndpointState[]
  readonly #parts: { readonly clock: Clock; readonly log: Log; readonly registry: Registry }
  readonly #waiting: (() => void)[] = []
  #inFlight = 0

  constructor(
    endpoints: readonly L1Endpoint[],
    parts: { readonly clock: Clock; readonly log: Log; readonly registry: Registry },
  ) {
    this.#endpoints = endpoints.map((endpoint) => ({ endpoint, restUntilMs: 0, restMs: 0 }))
    this.#parts = parts
  }

  /** One call whose answer the caller trusts. Throws {@link RpcError} as the server sent it, {@link L1Error} `unavailable`. */
  readonly request = async (method: string, params: readonly unknown[] = []): Promise<unknown> => {
    const ask = async (endpoint: L1Endpoint) => ({ value: await endpoint.request(method, params) })
    return (await this.#overEndpoints(method, ask, 'first'))?.value
  }

  /**
   * One read whose answer is checked by `parse`. Undefined where no endpoint has it. Throws {@link RpcError} where all
   * refuse it, and {@link L1Error}.
   */
  query<T>(method: string, params: readonly unknown[], parse: Parse<T>): Promise<T | undefined> {
    return this.read(method, async (endpoint) => parse(await endpoint.request(method, params)))
  }

  /** As {@link query}, for a read of several calls that one endpoint must answer together. */
  read<T>(what: string, ask: Ask<T>): Promise<T | undefined> {
    return this.#overEndpoints(what, ask, 'all')
  }

  /** Many reads, checked together: a server's error for one of them stands for all. */
  queryAll<T>(
    calls: readonly RpcCall[],
    parse: (answers: readonly unknown[]) => T | undefined,
  ): Promise<T | undefined> {
    return this.#overEndpoints(
      calls[0]?.method ?? 'batch',
      async (endpoint) => {
        const answers: unknown[] = []
        for (let i = 0; i < calls.length; i += callsPerBatchMax) {
          answers.push(...(await endpoint.batch(calls.slice(i, i + callsPerBatchMax))))
        }
        const failed = answers.find((answer) => answer instanceof Error)
        if (failed !== undefined) throw failed
        return parse(answers)
      },
      'all',
    )
  }

  /** `refusedBy`: whose RpcError counts, that of the first endpoint that answers or only that of all of them. */
  async #overEndpoints<T>(method: string, ask: Ask<T>, refusedBy: 'first' | 'all'): Promise<T | undefined> {
    const release = await this.#slot()
    try {
      return await this.#rounds(method, ask, refusedBy)
    } finally {
      release()
    }
  }

  async #rounds<T>(method: string, ask: Ask<T>, refusedBy: 'first' | 'all'): Promise<T | undefined> {
    let lastError: unknown
    for (let round = 1; round <= roundsMax; round++) {
      let isLacking = false
      let refusal: unknown
      for (const state of this.#inOrder()) {
        try {
          const value = await ask(state.endpoint)
          state.restMs = 0
          if (value !== undefined) return value
          isLacking = true
        } catch (error) {
          lastError = error
          if (isEndpointFault(error)) this.#rest(state, method, error)
          else if (refusedBy === 'all' && error instanceof RpcError) refusal = error
          else throw error
        }
      }
      if (isLacking) return undefined
      if (refusal !== undefined) throw refusal
      if (round < roundsMax) await this.#parts.clock.sleep(this.#shortestRest())
    }
    const code = lastError instanceof FormatError ? 'invalid' : 'unavailable'
    throw new L1Error(code, `L1 did not give a usable answer to ${method}`, { cause: lastError })
  }

  /** Endpoints that are well in the order of the flag, then resting ones, the one to wake first in front. */
  #inOrder(): EndpointState[] {
    const now = this.#parts.clock.nowMs()
    const well = this.#endpoints.filter((state) => state.restUntilMs <= now)
    if (well.length > 0) return well
    return this.#endpoints.toSorted((a, b) => a.restUntilMs - b.restUntilMs)
  }

  #rest(state: EndpointState, method: string, error: unknown): void {
    state.restMs = Math.min(state.restMs === 0 ? endpointRestMs.first : state.restMs * 2, endpointRestMs.max)
    state.restUntilMs = this.#parts.clock.nowMs() + state.restMs
    failures(this.#parts.registry).inc()
    this.#parts.log.warn('l1 endpoint failed', {
      endpoint: withoutSecrets(state.endpoint.url),
      method,
      restMs: state.restMs,
      error: errorMessage(error),
    })
  }

  #shortestRest(): number {
    const now = this.#parts.clock.nowMs()
    return Math.max(0, Math.min(...this.#endpoints.map((state) => state.restUntilMs - now)))
  }

  async #slot(): Promise<() => void> {
    if (this.#inFlight >= requestsInFlightMax) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#inFlight++
    return () => {
      const next = this.#waiting.shift()
      if (next === undefined) this.#inFlight--
      else next()
    }
  }
}

/** Reads from one endpoint; undefined and errors as {@link Parse} has them. */
export type Ask<T> = (endpoint: L1Endpoint) => Promise<T | undefined>

type EndpointState = { readonly endpoint: L1Endpoint; restUntilMs: number; restMs: number }

/** True where another endpoint, or the same one later, may do better; other errors are the server's considered answer. */
function isEndpointFault(error: unknown): boolean {
  if (error instanceof TransportError || error instanceof FormatError) return true
  return error instanceof RpcError && (error.code === rpcCodes.limitExceeded || isRateLimit(error))
}

function isRateLimit(error: RpcError): boolean {
  return (
    error.code === 429 || /rate.?limit|too many requests|exceeded.*(capacity|quota|per second)/i.test(error.message)
  )
}

const failures = (registry: Registry) =>
  counter(registry, 'l1_endpoint_failures_total', 'L1 JSON-RPC requests an endpoint failed')
