import type { Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'
import { counter, gauge } from '../../common/metrics.ts'
import type { PeerGater } from '../gossip/peer-guard.ts'
import { canonicalCidr, canonicalIp, type Subnets, subnets } from './ip-address.ts'
import { PeersError } from './peers-error.ts'
import type { RecordStore } from './record-store.ts'

/** What can be banned. */
export type BanKind = 'peer' | 'ip' | 'subnet'

/** Bans of one kind. A peer id costs an attacker nothing, so the list must end somewhere; the oldest ban goes first. */
export const bansMax = 10_000

/** Until when, ms since 1970; `forever`: until it is lifted. */
type Until = number | 'forever'

type Options = {
  /** Peers that are never banned for their score; an operator's block holds for them too. */
  readonly staticPeers: ReadonlySet<string>
  /** Addresses of those peers, which they may share with others. */
  readonly staticIps: ReadonlySet<string>
}

type Parts = { readonly store: RecordStore; readonly clock: Clock; readonly log: Log; readonly registry: Registry }

/** Who may not connect, by peer id, IP and subnet, for a time or for good. Bans survive a restart. */
export class BanList implements PeerGater {
  readonly #options: Options
  readonly #parts: Parts
  readonly #bans: Readonly<Record<BanKind, Map<string, Until>>> = { peer: new Map(), ip: new Map(), subnet: new Map() }
  #subnets: Subnets = subnets([])

  private constructor(options: Options, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  /** Reads the bans of earlier runs. */
  static async open(options: Options, parts: Parts): Promise<BanList> {
    const list = new BanList(options, parts)
    for (const [key, value] of await parts.store.all()) {
      const [, kind, subject] = /^ban\/(peer|ip|subnet)\/(.+)$/.exec(key) ?? []
      if (kind === undefined || subject === undefined || !isUntil(value)) continue
      list.#bans[kind as BanKind].set(subject, value)
    }
    list.#changed()
    return list
  }

  readonly isDenied = (peerIdOrIp: string): boolean => {
    const ip = canonicalIp(peerIdOrIp)
    if (ip === undefined) return this.#holds('peer', peerIdOrIp)
    return this.#holds('ip', ip) || this.#subnets.has(ip)
  }

  /** Bans a peer for its behaviour, and the address it came from. */
  readonly ban = (peerId: string, ip: string | undefined, durationMs: number): void => {
    if (this.#options.staticPeers.has(peerId)) return
    const until = this.#parts.clock.nowMs() + durationMs
    this.#set('peer', peerId, until)
    const address = ip === undefined ? undefined : canonicalIp(ip)
    if (address !== undefined && !this.#options.staticIps.has(address)) this.#set('ip', address, until)
    banned(this.#parts.registry).inc()
    this.#parts.log.debug('ban recorded', { peer: peerId, ip: address, minutes: Math.round(durationMs / 60_000) })
  }

  /** Blocks until it is lifted: what an operator asks for. Throws PeersError for what is no subnet, or one too many. */
  block(kind: BanKind, subject: string): void {
    const blocked = [...this.#bans[kind].values()].filter((until) => until === 'forever').length
    if (blocked >= bansMax) throw new PeersError('store', `more than ${bansMax} blocks; lift some first`)
    this.#set(kind, canonical(kind, subject), 'forever')
  }

  /** Lifts a block or a ban. */
  unblock(kind: BanKind, subject: string): void {
    const name = canonical(kind, subject)
    if (!this.#bans[kind].delete(name)) return
    this.#parts.store.delete(`ban/${kind}/${name}`)
    this.#changed()
  }

  list(kind: BanKind): readonly string[] {
    return [...this.#bans[kind].keys()].filter((subject) => this.#holds(kind, subject))
  }

  #holds(kind: BanKind, subject: string): boolean {
    const until = this.#bans[kind].get(subject)
    if (until === undefined) return false
    if (until === 'forever' || this.#parts.clock.nowMs() < until) return true
    this.unblock(kind, subject)
    return false
  }

  #set(kind: BanKind, subject: string, until: Until): void {
    const bans = this.#bans[kind]
    if (bans.get(subject) === 'forever') return
    bans.delete(subject)
    bans.set(subject, until)
    this.#parts.store.put(`ban/${kind}/${subject}`, until)
    if (bans.size > bansMax) this.#dropOldest(kind)
    this.#changed()
  }

  /** What an operator blocked stays. */
  #dropOldest(kind: BanKind): void {
    const timed = [...this.#bans[kind]].find(([, until]) => until !== 'forever')
    if (timed !== undefined) this.unblock(kind, timed[0])
  }

  #changed(): void {
    this.#subnets = subnets([...this.#bans.subnet.keys()])
    for (const [kind, bans] of Object.entries(this.#bans)) bansGauge(this.#parts.registry).set({ kind }, bans.size)
  }
}

function canonical(kind: BanKind, subject: string): string {
  if (kind === 'subnet') return canonicalCidr(subject)
  return kind === 'ip' ? (canonicalIp(subject) ?? subject) : subject
}

function isUntil(value: unknown): value is Until {
  return value === 'forever' || typeof value === 'number'
}

const banned = (registry: Registry) => counter(registry, 'p2p_bans_total', 'peers banned for their behaviour')
const bansGauge = (registry: Registry) => gauge(registry, 'p2p_bans', 'bans and blocks in force', ['kind'])
