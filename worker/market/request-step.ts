import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { type OpenRequest, openRequests } from '../../chain/ledger/open-requests.ts'
import { promptTokens, type RequestFileKind } from '../../chain/ledger/request-files.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { JobBook } from '../jobs/job-book.ts'
import type { JobDesk, Work } from '../jobs/job-desk.ts'
import { JobError } from '../jobs/job-error.ts'
import type { Claims } from './claims.ts'
import { slotSeconds } from './rank.ts'
import { stopsOf } from './stop-file.ts'

/** Where a worker stands in the draw for a request, and when that was opened; Unix seconds. */
export type Place = { readonly rank: number | undefined; readonly openedAt: bigint }

export type RequestParts = {
  readonly ledger: LedgerBook
  readonly book: JobBook
  readonly desk: Pick<JobDesk, 'take'>
  readonly claims: Claims
  /** Undefined until it is known. */
  readonly placeOf: (request: OpenRequest) => Promise<Place | undefined>
  /** A file that the request names; undefined where nobody has it now. */
  readonly file: (kind: RequestFileKind, name: Hex, signal: AbortSignal) => Promise<Uint8Array | undefined>
  /** Tells the others that this worker answers. */
  readonly claim: (work: Work, requestId: Hex) => Promise<void>
  readonly log: Log
}

type Plan = {
  /** From when on this worker may answer; undefined: never. */
  readonly startAt: bigint | undefined
  nextAt: bigint
  isTaken: boolean
}

/** Requests of one look, the oldest. */
const lookMax = 1_024
/** Between two tries of a request whose prompt nobody has, or that finds the worker busy. */
const againSeconds = 10n
/** Near its end a request is answered whoever else says that it does. */
const hurrySeconds = 180n

/**
 * Answers requests opened on chain: the worker of rank k after k slots of 10 s, unless another one says that it answers. The first
 * batch that settles one is paid. docs/WORKER-NETWORK.md §11.
 */
export class RequestStep {
  readonly #parts: RequestParts
  /** Of open requests alone. */
  #plans = new Map<Hex, Plan>()

  constructor(parts: RequestParts) {
    this.#parts = parts
  }

  /** One look; true where a request was taken. */
  readonly run = async (signal: AbortSignal): Promise<boolean> => {
    const { ledger, book, claims } = this.#parts
    const now = ledger.head?.time
    if (now === undefined) return false
    const open = openRequests(ledger).slice(0, lookMax)
    await this.#planFor(open)
    let acted = false
    for (const request of open) {
      const { requestId } = request
      const plan = this.#plans.get(requestId)
      if (plan?.startAt === undefined || plan.isTaken || signal.aborted) continue
      const claimed = request.request.deadline < now + hurrySeconds ? 0n : claims.until(requestId)
      if (now < plan.startAt || now < plan.nextAt || now < claimed || book.get(requestId) !== undefined) continue
      plan.nextAt = now + againSeconds
      acted = (await this.#take(request, plan, signal)) || acted
    }
    return acted
  }

  /** Forgets what is closed, and finds this worker's place for what is new. */
  async #planFor(open: readonly OpenRequest[]): Promise<void> {
    const { claims, placeOf } = this.#parts
    const ids = new Set(open.map(({ requestId }) => requestId))
    for (const requestId of this.#plans.keys()) {
      if (ids.has(requestId)) continue
      this.#plans.delete(requestId)
      claims.forget(requestId)
    }
    for (const request of open) {
      if (this.#plans.has(request.requestId)) continue
      const place = await placeOf(request)
      if (place === undefined) return
      const { rank, openedAt } = place
      const startAt = rank === undefined ? undefined : openedAt + BigInt(rank) * slotSeconds
      this.#plans.set(request.requestId, { startAt, nextAt: 0n, isTaken: false })
    }
  }

  async #take({ requestId, request }: OpenRequest, plan: Plan, signal: AbortSignal): Promise<boolean> {
    const { desk, claim, log } = this.#parts
    const { promptRoot, sampling } = request
    const prompt = await this.#file('prompt', promptRoot, signal)
    const stops =
      sampling.stopHash === zeroHash ? new Uint8Array(0) : await this.#file('stops', sampling.stopHash, signal)
    if (prompt === undefined || stops === undefined) return false
    try {
      const work = { request, tokens: promptTokens(prompt), stops: stopsOf(stops) }
      const events = await desk.take(work, { requestId, cancelled: new Promise(() => {}) }, signal)
      plan.isTaken = true
      await claim(work, requestId).catch((error: unknown) =>
        log.debug('nobody was told of a request that is answered', { requestId, error: errorMessage(error) }),
      )
      void this.#hear(events, plan)
      return true
    } catch (error) {
      const isForLater = error instanceof JobError && error.retryAfterMs > 0
      // What this worker does not serve it will not serve later.
      if (!isForLater) plan.isTaken = true
      log.info('a request on chain is not answered here', { requestId, error: errorMessage(error) })
      return false
    }
  }

  async #file(kind: RequestFileKind, name: Hex, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const file = await this.#parts.file(kind, name, signal)
    if (file === undefined) this.#parts.log.info('nobody has what a request on chain names yet', { kind, name })
    return file
  }

  /** To its end; what failed is tried again. */
  async #hear(events: AsyncIterable<unknown>, plan: Plan): Promise<void> {
    try {
      for await (const _ of events);
    } catch {
      // The desk has told why.
      plan.isTaken = false
    }
  }
}
