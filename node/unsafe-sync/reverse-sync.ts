import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { BlockId } from '../../protocol/block-ref.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { hasTimeOfNumber } from './block-time.ts'

/** Blocks held until the chain above them reaches them; op-node's value. */
export const quarantineMax = 100
/** Peers asked at once, one request each. */
export const peersAskedMax = 8
/** A peer that failed that often in a row is not asked again in this run. */
const failuresMax = 3
/** Askers of one block: a second one is tried where the first takes long and there is nothing else to do. */
const askersMax = 2

/** What a run needs of the peers. */
export type BlockSource = {
  readonly request: (
    number: bigint,
    options: { readonly peerId: string; readonly signal: AbortSignal },
  ) => Promise<PayloadEnvelope | undefined>
  readonly reportInvalid: (peerId: string) => void
}

type Parts = {
  readonly source: BlockSource
  readonly unsafe: () => BlockId
  /** Takes a block whose child is trusted; false: there is no room for it. */
  readonly accept: (envelope: PayloadEnvelope) => boolean
  readonly log: Log
}

/**
 * `connected`: nothing is missing any more. `full`: as many blocks were fetched as a run may, or there is no room.
 * `conflict`: the chain above does not build on the unsafe head. `stuck`: no peer gave the next block.
 */
export type RunEnd = 'connected' | 'full' | 'conflict' | 'stuck'

type Held = { readonly envelope: PayloadEnvelope; readonly peerId: string }

/**
 * Fetches what lies between the unsafe head and a trusted block, from the top down: a block is trusted when the trusted
 * one above it names it as parent, so no peer needs to be believed. Blocks are asked of several peers at once and wait
 * in quarantine for their turn; who gave a wrong one is reported. Source: op-node's p2p SyncClient.
 */
export class ReverseSync {
  readonly #config: RollupConfig
  readonly #parts: Parts
  readonly #quarantine = new Map<bigint, Held>()
  readonly #askers = new Map<bigint, Set<string>>()
  /** Peers that do not have a block, or gave a wrong one. */
  readonly #useless = new Map<bigint, Set<string>>()
  readonly #over = new AbortController()
  #wanted: BlockId
  #left: number
  #end: RunEnd | undefined
  #changed: (() => void)[] = []

  /** `wanted`: the parent of the trusted block. */
  constructor(config: RollupConfig, wanted: BlockId, blocksMax: number, parts: Parts) {
    this.#config = config
    this.#parts = parts
    this.#wanted = wanted
    this.#left = blocksMax
  }

  /** Blocks accepted so far. */
  accepted = 0

  /** Runs until the gap is closed or nothing more can be done about it now. */
  async run(peerIds: readonly string[], signal: AbortSignal): Promise<RunEnd> {
    const abort = () => this.#finish('stuck')
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    this.#promote()
    await Promise.all(peerIds.slice(0, peersAskedMax).map((peerId) => this.#ask(peerId)))
    signal.removeEventListener('abort', abort)
    return this.#end ?? 'stuck'
  }

  async #ask(peerId: string): Promise<void> {
    const { source, log } = this.#parts
    for (let failures = 0; failures < failuresMax && this.#end === undefined; ) {
      const number = this.#nextFor(peerId)
      if (number === undefined) {
        if (this.#askers.size === 0) return
        await new Promise<void>((resolve) => this.#changed.push(resolve))
        continue
      }
      this.#asks(number, peerId, true)
      try {
        const envelope = await source.request(number, { peerId, signal: this.#over.signal })
        failures = 0
        if (envelope === undefined) this.#isUseless(number, peerId)
        else this.#hold(envelope, number, peerId)
      } catch (error) {
        failures++
        if (this.#end === undefined)
          log.debug('block not fetched', { number, peer: peerId, error: errorMessage(error) })
      } finally {
        this.#asks(number, peerId, false)
      }
    }
  }

  /** The highest block that is missing and that the peer may have. */
  #nextFor(peerId: string): bigint | undefined {
    const top = this.#wanted.number
    const lowest = this.#parts.unsafe().number
    for (let number = top; number > lowest && number > top - BigInt(quarantineMax); number--) {
      if (this.#quarantine.has(number) || this.#useless.get(number)?.has(peerId) === true) continue
      const askers = this.#askers.get(number)
      if (askers === undefined) return number
      if (number === top && askers.size < askersMax && this.#quarantine.size > 0 && !askers.has(peerId)) return number
    }
    return undefined
  }

  #asks(number: bigint, peerId: string, begins: boolean): void {
    const askers = this.#askers.get(number) ?? new Set()
    if (begins) askers.add(peerId)
    else askers.delete(peerId)
    if (askers.size > 0) this.#askers.set(number, askers)
    else this.#askers.delete(number)
    if (!begins) this.#wakeAll()
  }

  #hold(envelope: PayloadEnvelope, number: bigint, peerId: string): void {
    if (this.#end !== undefined || number > this.#wanted.number || this.#quarantine.has(number)) return
    this.#quarantine.set(number, { envelope, peerId })
    this.#promote()
  }

  /** Takes blocks out of quarantine for as long as the next one down is there. */
  #promote(): void {
    let next: RunEnd | 'again' | 'wait' = 'again'
    while (next === 'again' && this.#end === undefined) next = this.#promoteOne()
    if (next !== 'again' && next !== 'wait') this.#finish(next)
  }

  #promoteOne(): RunEnd | 'again' | 'wait' {
    const unsafe = this.#parts.unsafe()
    const { number } = this.#wanted
    if (number <= unsafe.number) return 'connected'
    const held = this.#quarantine.get(number)
    if (held === undefined) return 'wait'
    this.#quarantine.delete(number)
    const fault = this.#faultOf(held.envelope)
    if (fault !== undefined) {
      this.#isUseless(number, held.peerId)
      this.#parts.source.reportInvalid(held.peerId)
      this.#parts.log.debug('wrong block', { number, peer: held.peerId, fault })
      return 'wait'
    }
    const { parentHash } = held.envelope.executionPayload
    const connects = number === unsafe.number + 1n
    if (connects && parentHash !== unsafe.hash) return 'conflict'
    if (!this.#parts.accept(held.envelope)) return 'full'
    this.accepted++
    this.#useless.delete(number)
    this.#wanted = { number: number - 1n, hash: parentHash }
    return --this.#left > 0 || connects ? 'again' : 'full'
  }

  #faultOf({ executionPayload: payload }: PayloadEnvelope): string | undefined {
    if (payload.blockNumber !== this.#wanted.number) return `it is block ${payload.blockNumber}`
    if (payload.blockHash !== this.#wanted.hash) return `it is not the parent of the block above`
    return hasTimeOfNumber(this.#config, payload) ? undefined : `it has the time ${payload.timestamp}`
  }

  #isUseless(number: bigint, peerId: string): void {
    const peers = this.#useless.get(number) ?? new Set()
    this.#useless.set(number, peers.add(peerId))
  }

  #finish(end: RunEnd): void {
    this.#end ??= end
    this.#over.abort()
    this.#wakeAll()
  }

  #wakeAll(): void {
    for (const wake of this.#changed.splice(0)) wake()
  }
}
