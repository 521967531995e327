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
  /** How long it waits after the next look that finds no prompt: each time twice as long. */
  againSeconds: bigint
  isTaken: boolean
}

/** Files that a request names. */
type Named = { readonly prompt: Uint8Array; readonly stops: Uint8Array }

/** New requests that are planned for in one look, and those whose prompt is looked for in vain: who opens many holds up no other. */
const lookMax = 1_024
const missingMax = 64
/** Between two tries of a request that finds the worker busy, or whose prompt nobody has: of the latter at first, and at most. */
const againSeconds = 10n
const againSecondsMax = 160n
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
    const open = openRequests(ledger)
    await this.#planFor(open)
    let acted = false
    let missing = 0
    for (const request of open) {
      const { requestId } = request
      const plan = this.#plans.get(requestId)
      if (plan?.startAt === undefined || plan.isTaken || signal.aborted) continue
      if (missing >= missingMax) break
      const claimed = request.request.deadline < now + hurrySeconds ? 0n : claims.until(requestId)
      if (now < plan.startAt || now < plan.nextAt || now < claimed || book.get(requestId) !== undefined) continue
      plan.nextAt = now + againSeconds
      const work = await this.#workOf(request, signal)
      if (work === undefined) {
        missing++
        plan.nextAt = now + plan.againSeconds
        plan.againSeconds = plan.againSeconds < againSecondsMax ? 2n * plan.againSeconds : againSecondsMax
      } else acted = (await this.#take(request, work, plan, signal)) || acted
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
    for (const request of open.filter(({ requestId }) => !this.#plans.has(requestId)).slice(0, lookMax)) {
      const place = await placeOf(request)
      if (place === undefined) return
      const { rank, openedAt } = place
      const startAt = rank === undefined ? undefined : openedAt + BigInt(rank) * slotSeconds
      this.#plans.set(request.requestId, { startAt, nextAt: 0n, againSeconds, isTaken: false })
    }
  }

  /** Undefined where nobody has the prompt or the stop strings. */
  async #workOf({ request }: OpenRequest, signal: AbortSignal): Promise<Named | undefined> {
    const { promptRoot, sampling } = request
    const prompt = await this.#file('prompt', promptRoot, signal)
    const stops =
      sampling.stopHash === zeroHash ? new Uint8Array(0) : await this.#file('stops', sampling.stopHash, signal)
    return prompt === undefined || stops === undefined ? undefined : { prompt, stops }
  }

  async #take(
    { requestId, request }: OpenRequest,
    { prompt, stops }: Named,
    plan: Plan,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { desk, claim, log } = this.#parts
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
