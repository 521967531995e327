import { Registry } from 'prom-client'
import { systemClock } from '../../common/clock.ts'
import { silentLog } from '../../common/log.ts'
import type { Role } from '../../p2p/workers/hello/hello-wire.ts'
import { type AccountSigner, keySigner, MessageAuthor } from '../../p2p/workers/message-author.ts'
import { ProofStore } from '../../p2p/workers/proofs/proof-store.ts'
import { stakePerUnit, WorkerBook } from '../../p2p/workers/registry-view.ts'
import { startWorkerNetwork } from '../../p2p/workers/start.ts'
import type { Evidence } from '../../p2p/workers/validation/worker-validator.ts'
import { type ProofAnnounce, proofAnnounce } from '../../p2p/workers/wire/messages.ts'
import type { WorkerNetwork, WorkerNetworkOptions, WorkerNetworkParts } from '../../p2p/workers/worker-network.ts'
import { bytesToHex, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { FakeGater, nextKey } from './block-net.ts'
import { until } from './until.ts'

export const netChain = 161_201n

/** The key of worker or checker `n`. */
export function accountKey(n: number): Uint8Array {
  const key = new Uint8Array(32).fill(0x5a)
  new DataView(key.buffer).setUint32(0, n + 1)
  return key
}
export const account = (n: number): AccountSigner => keySigner(accountKey(n))
export const word = (n: number): Hex => bytesToHex(uintBytes(n, 32))

/** A registry in which these accounts are staked workers and checkers. */
export function bookOf(workers: readonly Hex[], checkers: readonly Hex[] = []): WorkerBook {
  const book = new WorkerBook(checkers)
  for (const worker of workers) {
    book.apply({ kind: 'registered', worker, units: 1, block: 1n })
    book.apply({ kind: 'staked', worker, amount: stakePerUnit })
  }
  return book
}

type Named = 'version' | 'chainId' | 'nonce' | 'expiry' | 'worker'
/** What an announcement says but for its head and tail. */
export function announced(worker: Hex, n: number, change: Partial<Omit<ProofAnnounce, Named>> = {}) {
  return {
    requestId: word(n),
    worker,
    origin: 0,
    block: 7n,
    modelVersion: word(1),
    promptRoot: word(2),
    outputRoot: word(3),
    traceRoot: word(4),
    proofHash: word(5),
    proofBytes: 1_000,
    class: 1,
    ...change,
  }
}

/** A signed announcement of request `n`. */
export function announcement(
  author: MessageAuthor,
  n: number,
  change: Partial<Omit<ProofAnnounce, Named>> = {},
  seconds = 60,
) {
  return author.message(proofAnnounce, announced(author.address, n, change), seconds)
}

export const authorOf = (n: number) => new MessageAuthor(netChain, account(n), systemClock)

export type TestWorkerNode = {
  readonly network: WorkerNetwork
  readonly gater: FakeGater
  readonly metrics: Registry
  readonly store: ProofStore
  readonly proofs: { readonly value: ProofAnnounce; readonly from: string }[]
  readonly evidence: Evidence[]
}

type Change = Partial<WorkerNetworkOptions> & Partial<WorkerNetworkParts>

/** A host on loopback that speaks for account `n` as `role`. Stop it with `node.network.stop()`. */
export async function startWorkerNode(
  role: Role,
  n: number,
  book: WorkerBook,
  change: Change = {},
): Promise<TestWorkerNode> {
  const [gater, metrics, store] = [new FakeGater(), new Registry(), new ProofStore(256 * 1024 * 1024)]
  const proofs: { value: ProofAnnounce; from: string }[] = []
  const evidence: Evidence[] = []
  const network = await startWorkerNetwork(
    { chainId: netChain, role, listenIp: '127.0.0.1', listenPort: 0, privateKey: nextKey(), ...change },
    {
      clock: systemClock,
      log: silentLog,
      metrics,
      gater,
      registry: book,
      jobs: { state: () => 'open' },
      ...(role === 'client' ? {} : { account: account(n) }),
      proof: (hash) => store.get(hash),
      handlers: { proof: (value, from) => void proofs.push({ value, from }) },
      onEvidence: (found) => void evidence.push(found),
      ...change,
    },
  )
  return { network, gater, metrics, store, proofs, evidence }
}

export function addressOfWorker({ network }: TestWorkerNode): string {
  const [first] = network.addresses()
  if (first === undefined) throw new Error('the host does not listen')
  return first
}

/** Dials, and waits until both know who the other is. */
export async function join(from: TestWorkerNode, to: TestWorkerNode): Promise<void> {
  await from.network.connect(addressOfWorker(to))
  const knows = (a: TestWorkerNode, b: TestWorkerNode) =>
    a.network.peers().some(({ peerId, role }) => peerId === b.network.peerId && role !== undefined)
  await until(() => knows(from, to) && knows(to, from))
}
