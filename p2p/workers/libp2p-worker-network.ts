import type { Stream } from '@libp2p/interface'
import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { ConnectedPeers } from '../gossip/connected-peers.ts'
import type { GossipPort } from '../gossip/gossip-port.ts'
import { dialAddress, type Host } from '../host.ts'
import { challenge } from './challenge/challenge-exchange.ts'
import type { Size } from './challenge/hardware-challenge.ts'
import type { Admission } from './hello/admission.ts'
import type { Job } from './jobs/job.ts'
import { JobCall } from './jobs/job-call.ts'
import type { OpenProofs } from './proofs/open-proofs.ts'
import type { ProofClient, WantedProof } from './proofs/proof-client.ts'
import { type SubmitAnswer, submit } from './submit/submit.ts'
import type { WorkerValidator } from './validation/worker-validator.ts'
import { proofAnnounce } from './wire/messages.ts'
import { type ProtocolName, type TopicName, workerMessageId, workerTopic } from './wire/topics.ts'
import type { WorkerNetwork, WorkerPeer } from './worker-network.ts'
import { WorkersError } from './workers-error.ts'

type Parts = {
  readonly chainId: bigint
  readonly clock: Clock
  readonly host: Host
  readonly gossip: GossipPort
  readonly peers: ConnectedPeers
  readonly admission: Admission
  readonly validator: WorkerValidator
  readonly openProofs: OpenProofs
  readonly proofClient: ProofClient
  readonly score: (peerId: string) => number
  readonly open: (name: ProtocolName) => (peerId: string, signal: AbortSignal) => Promise<Stream>
  readonly stop: () => Promise<void>
}

/** A stream opens within that time, or the peer is not there. */
const openMsMax = 10_000
/** Until an author's tokens are back: how long a list waits that has many proofs of one worker. */
const rateMs = 500

/** The running parts as one network. */
export class Libp2pWorkerNetwork implements WorkerNetwork {
  readonly #parts: Parts
  #stopped = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get peerId(): string {
    return this.#parts.host.peerId.toString()
  }

  addresses(): readonly string[] {
    return this.#parts.host.getMultiaddrs().map(String)
  }

  async publish(topic: TopicName, bytes: Uint8Array): Promise<number> {
    this.#assertRunning()
    const { chainId, gossip, openProofs } = this.#parts
    if (bytes.length === proofAnnounce.byteLength) openProofs.add(proofAnnounce.decode(bytes), bytes)
    const name = workerTopic(chainId, topic)
    return await gossip.publish(name, bytes, workerMessageId(name, bytes))
  }

  async submit(peerId: string, bytes: Uint8Array, signal: AbortSignal): Promise<SubmitAnswer> {
    return await submit(await this.#open('submit', peerId, signal), bytes, signal)
  }

  async pull(wanted: WantedProof, holders: readonly string[], signal: AbortSignal): Promise<Uint8Array> {
    this.#assertRunning()
    return await this.#parts.proofClient.pull(wanted, holders, signal)
  }

  async catchUp(peerId: string, sinceSeconds: number, signal: AbortSignal): Promise<number> {
    this.#assertRunning()
    const { proofClient, validator, clock } = this.#parts
    let accepted = 0
    for (const bytes of await proofClient.list(peerId, sinceSeconds, signal)) {
      let outcome = validator.outcome(peerId, 'proofs', bytes)
      while (outcome.reason === 'author-rate' || outcome.reason === 'busy') {
        await clock.sleep(rateMs, signal)
        if (signal.aborted || this.#stopped) return accepted
        outcome = validator.outcome(peerId, 'proofs', bytes)
      }
      if (outcome.result === 'accept') accepted++
    }
    return accepted
  }

  async ask(peerId: string, job: Job, signal: AbortSignal): Promise<JobCall> {
    return await JobCall.start(await this.#open('job', peerId, signal), job)
  }

  async challenge(peerId: string, size: Size, signal: AbortSignal): Promise<{ score: bigint; seed: Hex }> {
    const stream = await this.#open('challenge', peerId, signal)
    return await challenge(stream, { size, clock: this.#parts.clock, signal })
  }

  hostsOf(account: Hex): readonly string[] {
    return this.#parts.admission.hostsOf(account)
  }

  closeProof(worker: Hex, requestId: Hex): void {
    this.#parts.openProofs.close(worker, requestId)
  }

  onHead(): void {
    this.#parts.validator.retryParked()
  }

  async connect(address: string, signal?: AbortSignal): Promise<void> {
    this.#assertRunning()
    await dialAddress(this.#parts.host, address, signal)
  }

  async disconnect(peerId: string): Promise<void> {
    const id = this.#parts.peers.get(peerId)?.id
    if (id !== undefined) await this.#parts.host.hangUp(id)
  }

  peers(): readonly WorkerPeer[] {
    const { peers, admission, score } = this.#parts
    return peers.list().map(({ peerId, connection }) => ({
      peerId,
      address: connection.remoteAddr.toString(),
      role: admission.role(peerId),
      account: admission.account(peerId),
      score: score(peerId),
    }))
  }

  meshPeers(topic: TopicName): readonly string[] {
    return this.#parts.gossip.meshPeers(workerTopic(this.#parts.chainId, topic))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#parts.stop()
  }

  async #open(name: ProtocolName, peerId: string, signal: AbortSignal): Promise<Stream> {
    this.#assertRunning()
    try {
      return await this.#parts.open(name)(peerId, AbortSignal.any([signal, AbortSignal.timeout(openMsMax)]))
    } catch (cause) {
      throw new WorkersError('unreachable', `${peerId} is not reached: ${errorMessage(cause)}`, { cause })
    }
  }

  #assertRunning(): void {
    if (this.#stopped) throw new WorkersError('stopped', 'the worker network is shut down')
  }
}
