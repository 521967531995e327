import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Hex } from '../../protocol/bytes.ts'
import { ConnectedPeers } from '../gossip/connected-peers.ts'
import { type MeteredGossip, meteredGossip } from '../gossip/gossipsub.ts'
import { PeerConduct } from '../gossip/peer-conduct.ts'
import { banScoreDefault, PeerGuard } from '../gossip/peer-guard.ts'
import { createHost, type Host, type HostOptions, startHost } from '../host.ts'
import { Pinger } from '../pinger.ts'
import { gateSockets } from '../socket-gate.ts'
import { ChallengeServer } from './challenge/challenge-exchange.ts'
import { Admission, bindingSecondsMax } from './hello/admission.ts'
import { Greeter } from './hello/greeter.ts'
import { HelloExchange } from './hello/hello.ts'
import { peerIdHash, type Role } from './hello/hello-wire.ts'
import { JobServer } from './jobs/job-server.ts'
import { Libp2pWorkerNetwork } from './libp2p-worker-network.ts'
import { frameBytesMax, limitsDefault, slotSeconds } from './limits.ts'
import { MessageAuthor } from './message-author.ts'
import { MessageQueues } from './message-queues.ts'
import { OpenProofs } from './proofs/open-proofs.ts'
import { ProofClient } from './proofs/proof-client.ts'
import { ProofServer } from './proofs/proof-server.ts'
import { SubmitServer } from './submit/submit.ts'
import { submissionTaker } from './submit/take-submission.ts'
import { WorkerValidator } from './validation/worker-validator.ts'
import {
  type ProtocolName,
  type TopicName,
  topicNames,
  workerMessageId,
  workerProtocol,
  workerTopic,
} from './wire/topics.ts'
import { type Deed, workerDeeds } from './worker-deeds.ts'
import type { WorkerNetwork, WorkerNetworkOptions, WorkerNetworkParts } from './worker-network.ts'

/** Announcements of one peer for another go out together: seen nowhere, and a fraction of the work. */
const holdMs = 5
const peersMaxDefault = 100
/** Topics that a role hears. A worker says proofs without hearing those of others; a client looks for workers. */
const topicsOf: Readonly<Record<Role, readonly TopicName[]>> = {
  checker: topicNames,
  worker: ['jobs', 'verdicts'],
  client: ['workers', 'verdicts'],
}
/** By which libp2p keeps peers when slots are short; the highest it allows is 100. */
const tagValues: Readonly<Record<Role, number>> = { checker: 50, worker: 20, client: 5 }
/** A client reads along but is no one's neighbour in the mesh. */
const clientScore = -5
/** Streams of one protocol that a peer may have open. */
const streamsPerProtocolMax = 8
/** Between looks at who is bound and who is to be greeted. */
const reviewMs = 1_000

type Message = { readonly id: Uint8Array; readonly topic: TopicName; readonly data: Uint8Array }

/** Starts the network of workers. Throws P2pError `listen`. */
export async function startWorkerNetwork(
  options: WorkerNetworkOptions,
  parts: WorkerNetworkParts,
): Promise<WorkerNetwork> {
  const { chainId, role, limits = limitsDefault } = options
  const { clock, log, metrics, gater, registry } = parts
  const staticPeers = new Set(options.staticPeers ?? [])
  const topics = new Map(topicNames.map((name) => [workerTopic(chainId, name), name]))
  const stopping = new AbortController()

  const conduct = new PeerConduct<Deed>(
    {
      deeds: workerDeeds,
      slotSeconds,
      limitsOf: (peerId) => limits.peers[admission.role(peerId) ?? 'unbound'],
      faults: { violation: 'malformed', overLimit: 'overLimit' },
    },
    { clock, metrics, banScore: banScoreDefault, onBanEarned: (peerId) => guard.lookAt(peerId) },
  )
  const count = conduct.count.bind(conduct)
  const admission = new Admission(chainId, {
    clock,
    registry,
    onChange: (peerId, bound) => {
      conduct.limitsChanged(peerId)
      tag(host, peerId, bound)
    },
  })
  const applicationScore = (peerId: string) =>
    conduct.score(peerId) + (admission.role(peerId) === 'client' ? clientScore : admission.score(peerId))
  const openProofs = new OpenProofs(clock)
  const queues = new MessageQueues(parts.handlers, { log, metrics })
  const validator = new WorkerValidator(
    { chainId, globalRate: limits.global },
    {
      clock,
      metrics,
      registry,
      jobs: parts.jobs,
      count,
      onEvidence: parts.onEvidence,
      onAccepted: (accepted) => {
        if (accepted.message.kind === 'proof') openProofs.add(accepted.message.value, accepted.bytes)
        queues.push(accepted)
      },
    },
  )
  const host = await createHost<{ gossip: MeteredGossip<Message> }>(
    hostOptions(options),
    { isDenied: gater.isDenied, datastore: parts.datastore },
    {
      gossip: meteredGossip(
        { topics: [...topics.keys()], slotSeconds, frameBytesMax, costBytes: ({ length }) => length, holdMs },
        {
          admitFrame: conduct.admitFrame.bind(conduct),
          admitRpc: conduct.admitRpc.bind(conduct),
          // Before it counts as seen: else a stranger that is quick could keep a message from us.
          admitMessage: (from) => ['worker', 'checker'].includes(admission.role(from) ?? ''),
          onViolation: conduct.violation.bind(conduct),
          examine: async (topic, data) => ({
            id: workerMessageId(topic, data),
            topic: topics.get(topic) ?? 'proofs',
            data,
          }),
          judge: (from, _, { topic, data }) => validator.judge(from, topic, data),
          applicationScore,
        },
      ),
    },
  )
  const gossip = host.services.gossip.port
  const peers = new ConnectedPeers(host)
  const score = (peerId: string) => {
    const application = applicationScore(peerId)
    return gossip.isReading(peerId) ? Math.min(gossip.score(peerId), application) : application
  }
  const guard = new PeerGuard({
    clock,
    log,
    metrics,
    banScore: banScoreDefault,
    gater,
    peers: () =>
      peers.list().map(({ peerId, ip, connection }) => ({
        peerId,
        ip,
        connectedAtMs: connection.timeline.open,
        score: score(peerId),
        // Of a client no gossip is expected, and who is not bound has a time of its own.
        isReading: gossip.isReading(peerId) || !['worker', 'checker'].includes(admission.role(peerId) ?? ''),
        isStatic: staticPeers.has(peerId),
      })),
    hangUp: peers.hangUp.bind(peers),
    onSilenced: (peerId) => count(peerId, 'malformed'),
  })
  const pinger = new Pinger({
    clock,
    log,
    peers: () => host.getPeers(),
    ping: (peer, signal) => host.services.ping.ping(peer, { signal }),
    hangUp: (peer, why) => peers.hangUp(peer.toString(), why),
  })
  const protocol = (name: ProtocolName) => workerProtocol(chainId, name)
  const open = (name: ProtocolName) => (peerId: string, signal: AbortSignal) =>
    host.dialProtocol(peerIdFromString(peerId), protocol(name), { signal })
  const author = parts.account === undefined ? undefined : new MessageAuthor(chainId, parts.account, clock)
  const hello = new HelloExchange({
    chainId,
    role,
    self: () => host.peerId,
    privateKey: options.privateKey,
    binding: () =>
      author?.binding(peerIdHash(host.peerId), epochOf(author.address), bindingSecondsMax - reviewMs / 1_000),
    admission,
  })
  const epochOf = (account: Hex) => registry.worker(account)?.boundAtBlock ?? 0n
  const greeter = new Greeter({
    clock,
    log,
    dialled: () =>
      peers.list().flatMap(({ peerId, connection }) => (connection.direction === 'outbound' ? [peerId] : [])),
    greet: async (peerId) => {
      const stream = await open('hello')(
        peerId,
        AbortSignal.any([stopping.signal, AbortSignal.timeout(helloOpenMsMax)]),
      )
      return await hello.greet(stream, peerIdFromString(peerId), stopping.signal)
    },
  })
  const proofClient = new ProofClient({ clock, metrics, rate: limits.pulled, open: open('proof'), count })
  const proofServer = new ProofServer({
    clock,
    proof: parts.proof,
    announcedSince: (seconds) => openProofs.since(seconds),
    count,
  })
  const submitServer = new SubmitServer({
    clock,
    count,
    take: submissionTaker({ admission, validator, queues, onSubmit: parts.onSubmit }),
  })
  const { onJob, account } = parts
  const jobServer =
    onJob === undefined || account === undefined
      ? undefined
      : new JobServer({ chainId, worker: account.address, clock, log, handler: onJob, count })

  type Serve = (stream: Stream, peerId: string, signal: AbortSignal) => Promise<unknown>
  const handle = async (name: ProtocolName, serve: Serve) => {
    const onStream = ({ stream, connection }: { readonly stream: Stream; readonly connection: Connection }) => {
      const peerId = connection.remotePeer.toString()
      serve(stream, peerId, stopping.signal).catch((error: unknown) =>
        log.debug('stream failed', { name, peer: peerId, error }),
      )
    }
    await host.handle(protocol(name), onStream, { maxInboundStreams: streamsPerProtocolMax })
  }
  await handle('hello', (stream, peerId, signal) => hello.answer(stream, peerIdFromString(peerId), signal))
  await handle('proof', proofServer.serve.bind(proofServer))
  if (role === 'checker') await handle('submit', submitServer.serve.bind(submitServer))
  if (parts.multiply !== undefined) {
    const challengeServer = new ChallengeServer({ clock, multiply: parts.multiply })
    await handle('challenge', challengeServer.serve.bind(challengeServer))
  }
  if (jobServer !== undefined) await handle('job', jobServer.serve.bind(jobServer))

  host.addEventListener('peer:connect', ({ detail }) => {
    admission.connected(detail.toString())
    void greeter.tick()
  })
  host.addEventListener('peer:disconnect', ({ detail }) => admission.disconnected(detail.toString()))
  await startHost(host, hostOptions(options))
  gateSockets(host, gater.isDenied)
  for (const name of topicsOf[role]) host.services.gossip.subscribe(workerTopic(chainId, name))
  guard.start()
  pinger.start()
  const reviewing = review()
  return new Libp2pWorkerNetwork({
    chainId,
    clock,
    host,
    gossip,
    peers,
    admission,
    validator,
    openProofs,
    proofClient,
    score,
    open,
    stop: async () => {
      stopping.abort()
      queues.stop()
      await Promise.all([guard.stop(), pinger.stop(), reviewing])
      await host.stop()
    },
  })

  async function review(): Promise<void> {
    while (!stopping.signal.aborted) {
      for (const peerId of admission.review())
        if (!staticPeers.has(peerId)) peers.hangUp(peerId, 'it has not said who it is')
      void greeter.tick()
      await clock.sleep(reviewMs, stopping.signal)
    }
  }
}

const helloOpenMsMax = 10_000

function hostOptions(options: WorkerNetworkOptions): HostOptions {
  const { privateKey, listenIp, listenPort, announce = [], agent = 'openledger' } = options
  return { privateKey, listenIp, listenPort, announce, agent, connectionsMax: options.peersMax ?? peersMaxDefault }
}

/** Checkers keep their place before workers, workers before clients. */
function tag(host: Host, peerId: string, role: Role | undefined): void {
  const tags = { role: role === undefined ? undefined : { value: tagValues[role] } }
  host.peerStore.merge(peerIdFromString(peerId), { tags }).catch(() => undefined)
}
