import type { PeerId } from '@libp2p/interface'
import type { Clock } from '../../../common/clock.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import type { RegistryView } from '../registry-view.ts'
import { peerBinding } from '../wire/messages.ts'
import { networkSeparator, wireVersion } from '../wire/signed-message.ts'
import { type Hello, type HelloStatus, peerIdHash, type Role } from './hello-wire.ts'

/** A peer that has not said by then who it is scores low: it takes no part in gossip. */
export const helloMsMax = 10_000
/** And by then it is disconnected. */
export const unboundMsMax = 30_000
export const unboundScore = -50
/** Hosts of one account at a time. */
export const hostsPerAccountMax = 3
/** A binding is signed for a day at most. */
export const bindingSecondsMax = 86_400

type Bound = {
  readonly role: Role
  readonly account: Hex | undefined
  readonly epoch: bigint
  readonly expirySeconds: number
}
type Peer = { readonly connectedAtMs: number; bound?: Bound | undefined }

type Parts = {
  readonly clock: Clock
  readonly registry: RegistryView
  /** The peer's role has changed, and with it what it may do. */
  readonly onChange: (peerId: string, role: Role | undefined) => void
}

/** Who of the connected peers is bound to an account that the chain knows, and as what. */
export class Admission {
  readonly #chainId: bigint
  readonly #separator: Uint8Array
  readonly #parts: Parts
  readonly #peers = new Map<string, Peer>()

  constructor(chainId: bigint, parts: Parts) {
    this.#chainId = chainId
    this.#separator = networkSeparator(chainId)
    this.#parts = parts
  }

  connected(peerId: string): void {
    if (!this.#peers.has(peerId)) this.#peers.set(peerId, { connectedAtMs: this.#parts.clock.nowMs() })
  }

  disconnected(peerId: string): void {
    this.#peers.delete(peerId)
  }

  role(peerId: string): Role | undefined {
    return this.#peers.get(peerId)?.bound?.role
  }

  /** The account a peer speaks for. */
  account(peerId: string): Hex | undefined {
    return this.#peers.get(peerId)?.bound?.account
  }

  /** Connected hosts of an account. */
  hostsOf(account: Hex): readonly string[] {
    return [...this.#peers].filter(([, { bound }]) => bound?.account === account).map(([peerId]) => peerId)
  }

  score(peerId: string): number {
    const peer = this.#peers.get(peerId)
    if (peer === undefined || peer.bound !== undefined) return 0
    return this.#parts.clock.nowMs() - peer.connectedAtMs > helloMsMax ? unboundScore : 0
  }

  /** Lets a peer in as what its hello says. The challenge is the caller's to check. */
  admit(peer: PeerId, { chainId, role, binding }: Hello): HelloStatus {
    const peerId = peer.toString()
    if (chainId !== this.#chainId) return 'other-chain'
    if (role === 'client') return this.#bind(peerId, { role, account: undefined, epoch: 0n, expirySeconds: Infinity })
    if (binding === undefined || !this.#isBindingOf(peer, binding)) return 'bad-binding'
    const { account, epoch, expiry } = peerBinding.decode(binding)
    const bound: Bound = { role, account, epoch, expirySeconds: Number(expiry) }
    if (!this.#stands(bound)) return 'not-registered'
    const others = this.hostsOf(account).filter((other) => other !== peerId)
    return others.length >= hostsPerAccountMax ? 'too-many' : this.#bind(peerId, bound)
  }

  /** Takes back the roles that no longer stand; says who has been unbound for too long. Each second or so. */
  review(): readonly string[] {
    const nowMs = this.#parts.clock.nowMs()
    const late: string[] = []
    for (const [peerId, peer] of this.#peers) {
      if (peer.bound !== undefined && !this.#stands(peer.bound)) {
        // Anew from now on: a worker that was jailed or registers anew may come back with another binding.
        this.#peers.set(peerId, { connectedAtMs: nowMs })
        this.#parts.onChange(peerId, undefined)
      } else if (peer.bound === undefined && nowMs - peer.connectedAtMs > unboundMsMax) late.push(peerId)
    }
    return late
  }

  #bind(peerId: string, bound: Bound): HelloStatus {
    this.connected(peerId)
    const peer = this.#peers.get(peerId)
    if (peer !== undefined) peer.bound = bound
    this.#parts.onChange(peerId, bound.role)
    return 'welcome'
  }

  #isBindingOf(peer: PeerId, binding: Uint8Array): boolean {
    const { version, chainId, peerIdHash: host, expiry } = peerBinding.decode(binding)
    const leftSeconds = Number(expiry) - this.#parts.clock.nowMs() / 1_000
    if (version !== wireVersion || chainId !== this.#chainId || host !== peerIdHash(peer)) return false
    if (leftSeconds <= 0 || leftSeconds > bindingSecondsMax) return false
    return peerBinding.isSigned(binding, this.#separator)
  }

  #stands({ role, account, epoch, expirySeconds }: Bound): boolean {
    if (account === undefined) return true
    const { registry, clock } = this.#parts
    if (expirySeconds <= clock.nowMs() / 1_000) return false
    if (role === 'checker') return registry.isChecker(account)
    const worker = registry.worker(account)
    return worker?.isActive === true && epoch >= worker.boundAtBlock
  }
}
