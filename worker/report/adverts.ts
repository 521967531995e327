import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { MessageAuthor } from '../../p2p/workers/message-author.ts'
import { capability, heartbeat } from '../../p2p/workers/wire/messages.ts'
import type { WorkerNetwork } from '../../p2p/workers/worker-network.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { HardwareScore } from './hardware.ts'

/** What a worker says that it offers. */
export type Offer = HardwareScore & {
  /** Compressed secp256k1 key of the host, 33 bytes. */
  readonly hostKey: Uint8Array
  /** IPv4 or mapped into IPv6, 16 bytes; with the port where others dial it. */
  readonly ip: Hex
  readonly port: number
  readonly units: number
  readonly classes: ReadonlySet<number>
  readonly contextMax: number
  /** Versions of models; the first four are told. */
  readonly models: readonly Hex[]
}

type Parts = {
  readonly network: Pick<WorkerNetwork, 'publish' | 'peers'>
  readonly author: MessageAuthor
  readonly offer: () => Offer
  readonly load: () => { readonly running: number; readonly queued: number; readonly tokensPerMinute: number }
  /** Newest L2 block that the worker knows. */
  readonly block: () => bigint
  readonly clock: Clock
  readonly log: Log
}

const heartbeatMs = 30_000
/** A capability is told again after this time, at once when it changed, and soon when somebody new is connected. */
const capabilityMs = 5 * 60_000
const newcomersMs = 15_000
const lookMs = 1_000
/** Seconds that messages live; docs/WORKER-NETWORK.md. */
const lives = { heartbeat: 90, capability: 600 } as const

/** Says on gossip that the worker is there and what it offers. */
export class Adverts {
  readonly #parts: Parts
  #saidOffer = ''
  #capabilityNonce = 0n
  #saidCapabilityMs = 0
  /** Peers that were there when it was said. */
  #told = new Set<string>()
  #nextHeartbeatMs = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Until the signal; what nobody hears is said again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    while (!signal.aborted) {
      try {
        await this.#say(clock.nowMs())
      } catch (error) {
        log.debug('an advert was not sent', { error: errorMessage(error) })
      }
      await clock.sleep(lookMs, signal)
    }
  }

  async #say(nowMs: number): Promise<void> {
    const offer = this.#parts.offer()
    const told = JSON.stringify(
      { ...offer, hostKey: [...offer.hostKey], classes: [...offer.classes] },
      (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item),
    )
    const peers = this.#parts.network.peers().map(({ peerId }) => peerId)
    const isNew = peers.some((peerId) => !this.#told.has(peerId))
    const waitMs = told !== this.#saidOffer ? 0 : isNew ? newcomersMs : capabilityMs
    if (nowMs >= this.#saidCapabilityMs + waitMs) {
      this.#capabilityNonce = await this.#sayCapability(offer)
      this.#saidOffer = told
      this.#saidCapabilityMs = nowMs
      this.#told = new Set(peers)
    }
    if (nowMs >= this.#nextHeartbeatMs) {
      this.#nextHeartbeatMs = nowMs + heartbeatMs
      await this.#sayHeartbeat()
    }
  }

  async #sayCapability(offer: Offer): Promise<bigint> {
    const { author, network } = this.#parts
    const [model0 = zeroHash, model1 = zeroHash, model2 = zeroHash, model3 = zeroHash] = [...offer.models].sort()
    const bytes = author.message(
      capability,
      {
        ...{ worker: author.address, keyPrefix: offer.hostKey[0] ?? 0, keyX: hexOf(offer.hostKey.subarray(1)) },
        ...{ ip: offer.ip, port: offer.port, units: offer.units, contextMax: offer.contextMax },
        classes: [...offer.classes].reduce((bits, proofClass) => bits | (1 << proofClass), 0),
        ...{ model0, model1, model2, model3 },
        ...{ challengeScore: offer.challengeScore, challengeSeed: offer.challengeSeed },
      },
      lives.capability,
    )
    await network.publish('workers', bytes)
    return capability.container.decode(bytes.subarray(0, capability.container.byteLength)).nonce
  }

  async #sayHeartbeat(): Promise<void> {
    const { author, network, load, block } = this.#parts
    const value = { worker: author.address, ...load(), block: block(), capability: this.#capabilityNonce }
    await network.publish('workers', author.message(heartbeat, value, lives.heartbeat))
  }
}

function hexOf(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes).toString('hex')}`
}
