import type { Libp2pOptions } from 'libp2p'
import type { Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { PeerGater } from '../gossip/peer-guard.ts'
import type { HardwareChallenge, Size } from './challenge/hardware-challenge.ts'
import type { Role } from './hello/hello-wire.ts'
import type { Job, JobHandler } from './jobs/job.ts'
import type { JobCall } from './jobs/job-call.ts'
import type { NetworkLimits } from './limits.ts'
import type { AccountSigner } from './message-author.ts'
import type { MessageHandlers } from './message-queues.ts'
import type { WantedProof } from './proofs/proof-client.ts'
import type { ServedProof } from './proofs/proof-store.ts'
import type { JobsView, RegistryView } from './registry-view.ts'
import type { SubmitAnswer } from './submit/submit.ts'
import type { Evidence } from './validation/worker-validator.ts'
import type { ProofAnnounce } from './wire/messages.ts'

export type WorkerNetworkOptions = {
  readonly chainId: bigint
  readonly role: Role
  readonly listenIp: string
  /** 0 takes any free port. */
  readonly listenPort: number
  /** Multiaddrs told to peers in place of the listening ones. */
  readonly announce?: readonly string[]
  /** Identity of the host: 32 bytes, secp256k1. Another one than that of the host of blocks. */
  readonly privateKey: Uint8Array
  /** Connections beyond this are pruned. Default 100. */
  readonly peersMax?: number
  /** Peer ids that are never banned. */
  readonly staticPeers?: readonly string[]
  /** Name and version told to peers. */
  readonly agent?: string
  readonly limits?: NetworkLimits
}

export type WorkerNetworkParts = {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Registry
  readonly gater: PeerGater
  readonly datastore?: NonNullable<Libp2pOptions['datastore']>
  readonly registry: RegistryView
  readonly jobs: JobsView
  /** The on-chain account that we speak for; absent for a client. */
  readonly account?: AccountSigner
  /** A proof of ours for a peer. */
  readonly proof: (hash: Hex) => ServedProof | undefined
  /** What is done with messages; a kind without handler is passed on only. */
  readonly handlers: MessageHandlers
  /** Answers a submission that is valid and new; absent where none are taken. */
  readonly onSubmit?: (announce: ProofAnnounce, from: string) => SubmitAnswer
  /** Answers jobs; a worker's. */
  readonly onJob?: JobHandler
  /** Computes the product of a hardware challenge; a worker's. */
  readonly multiply?: (challenge: HardwareChallenge) => Promise<Int32Array>
  /** Two messages signed under one nonce. */
  readonly onEvidence: (evidence: Evidence) => void
}

export type WorkerPeer = {
  readonly peerId: string
  readonly address: string
  readonly role: Role | undefined
  readonly account: Hex | undefined
  readonly score: number
}

/** The network of workers and checkers. docs/WORKER-NETWORK.md. */
export type WorkerNetwork = {
  readonly peerId: string
  /** Multiaddrs with the peer id, as others dial them. */
  readonly addresses: () => readonly string[]
  /** Gossips a signed message of ours; resolves to the number of peers it went to at once. Throws WorkersError. */
  readonly publish: (topic: 'jobs' | 'proofs' | 'verdicts' | 'workers', bytes: Uint8Array) => Promise<number>
  /** Gives an announcement to a checker. Throws WorkersError. */
  readonly submit: (peerId: string, bytes: Uint8Array, signal: AbortSignal) => Promise<SubmitAnswer>
  /** Pulls a proof from the first of `holders` that gives it. Throws WorkersError. */
  readonly pull: (wanted: WantedProof, holders: readonly string[], signal: AbortSignal) => Promise<Uint8Array>
  /** Asks a peer for announcements since a Unix time and judges them; resolves to how many were new. Throws WorkersError. */
  readonly catchUp: (peerId: string, sinceSeconds: number, signal: AbortSignal) => Promise<number>
  /** Asks a worker for an answer. Throws WorkersError. */
  readonly ask: (peerId: string, job: Job, signal: AbortSignal) => Promise<JobCall>
  /** Has a worker multiply matrices: its multiply-adds a second as seen from here. Throws WorkersError. */
  readonly challenge: (
    peerId: string,
    size: Size,
    signal: AbortSignal,
  ) => Promise<{ readonly score: bigint; readonly seed: Hex }>
  /** Hosts of an account that are connected: who to pull its proofs from. */
  readonly hostsOf: (account: Hex) => readonly string[]
  /** The request is settled or its proof checked: it is not listed any more. */
  readonly closeProof: (worker: Hex, requestId: Hex) => void
  /** There is a new head: what waited for its request is judged again. */
  readonly onHead: () => void
  /** Dials a multiaddr that ends in `/p2p/<peer id>`. Throws P2pError. */
  readonly connect: (multiaddr: string, signal?: AbortSignal) => Promise<void>
  readonly disconnect: (peerId: string) => Promise<void>
  readonly peers: () => readonly WorkerPeer[]
  /** Peers that messages of a topic go to and come from at once. */
  readonly meshPeers: (topic: 'jobs' | 'proofs' | 'verdicts' | 'workers') => readonly string[]
  readonly stop: () => Promise<void>
}
