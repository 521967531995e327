import type { PeerId } from '@libp2p/interface'
import type { Clock } from '../common/clock.ts'
import type { Log } from '../common/log.ts'

/** Time between the pings of a peer. */
const roundMs = 30_000
const pingMsMax = 10_000
/** Pings lost in a row before a peer is given up: one may be late because our own event loop is. */
const lostMax = 3

type Parts = {
  readonly clock: Clock
  readonly log: Log
  readonly peers: () => readonly PeerId[]
  /** Resolves to the round trip in milliseconds. */
  readonly ping: (peer: PeerId, signal: AbortSignal) => Promise<number>
  readonly hangUp: (peer: PeerId, why: string) => void
}

/** Pings connected peers to know the dead ones. In place of libp2p's monitor, which gives up at the first late ping. */
export class Pinger {
  readonly #parts: Parts
  readonly #stopped = new AbortController()
  readonly #latencies = new Map<string, number>()
  readonly #lost = new Map<string, number>()
  #running: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  /** Round trip of a peer's last ping. */
  latencyMs(peerId: string): number | undefined {
    return this.#latencies.get(peerId)
  }

  /** Pings every peer once. */
  async round(): Promise<void> {
    const peers = this.#parts.peers()
    const names = new Set(peers.map(String))
    for (const known of [this.#latencies, this.#lost])
      for (const name of known.keys()) if (!names.has(name)) known.delete(name)
    await Promise.all(peers.map((peer) => this.#ping(peer)))
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts
    while (!this.#stopped.signal.aborted) {
      await this.round()
      await clock.sleep(roundMs, this.#stopped.signal)
    }
  }

  async #ping(peer: PeerId): Promise<void> {
    const name = peer.toString()
    const { ping, hangUp, log } = this.#parts
    try {
      const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(pingMsMax)])
      this.#latencies.set(name, await ping(peer, signal))
      this.#lost.delete(name)
    } catch (error) {
      if (this.#stopped.signal.aborted) return
      const lost = (this.#lost.get(name) ?? 0) + 1
      this.#lost.set(name, lost)
      log.debug('ping lost', { peer: name, lost, error })
      if (lost >= lostMax) hangUp(peer, `${lostMax} pings lost`)
    }
  }
}
