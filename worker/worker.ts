import { readdirSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import secp256k1 from 'secp256k1'
import { IndexFile } from '../attribution/suffix/index-file.ts'
import { ChainFacts } from '../chain/ledger/chain-facts.ts'
import { Content, contentHashOf } from '../chain/ledger/content.ts'
import { callContract } from '../chain/ledger/l2-calls.ts'
import { LedgerBook } from '../chain/ledger/ledger-book.ts'
import { LedgerSync } from '../chain/ledger/ledger-sync.ts'
import { type ModelTerms, modelTerms, versionsOf } from '../chain/ledger/model-terms.ts'
import { moneyContracts } from '../chain/ledger/money-contracts.ts'
import { Sender } from '../chain/ledger/sender.ts'
import { WorkerFeed } from '../chain/ledger/worker-feed.ts'
import { noBlobs } from '../chain/tx/kzg.ts'
import type { Clock } from '../common/clock.ts'
import { ContentPeers } from '../common/content-peers.ts'
import { ContentStore } from '../common/content-store.ts'
import { errorMessage } from '../common/errors.ts'
import { HttpRpcClient } from '../common/json-rpc.ts'
import type { Log } from '../common/log.ts'
import { loadIdentity } from '../p2p/peers/identity.ts'
import { Announcer, type OpenProof } from '../p2p/workers/announcer.ts'
import { keySigner, MessageAuthor } from '../p2p/workers/message-author.ts'
import { ProofStore } from '../p2p/workers/proofs/proof-store.ts'
import { WorkerBook } from '../p2p/workers/registry-view.ts'
import { openWorkerHost } from '../p2p/workers/worker-host.ts'
import { type Hex, hexToBytes, parseQuantity } from '../protocol/bytes.ts'
import { merkleRoot } from '../protocol/content-hash.ts'
import { contributionsOf, type Indexes, requireIndexes } from './attribute/contributions.ts'
import { InferenceThread } from './backends/inference-thread.ts'
import { openModelFolder } from './backends/model-folder.ts'
import { Funds } from './jobs/funds.ts'
import { type BookedJob, JobBook } from './jobs/job-book.ts'
import { JobDesk } from './jobs/job-desk.ts'
import { JobError } from './jobs/job-error.ts'
import { jobHandler } from './jobs/job-handler.ts'
import { Adverts } from './report/adverts.ts'
import { AnswerStep } from './settle/answer-step.ts'
import { CommitStep } from './settle/commit-step.ts'
import { PublishStep } from './settle/publish-step.ts'
import { settle } from './settle/settlement.ts'
import { TraceStep } from './settle/trace-step.ts'
import { WorkerError } from './worker-error.ts'
import type { WorkerOptions } from './worker-options.ts'

export type RunningWorker = {
  readonly address: Hex
  /** Multiaddrs under which it is dialled. */
  readonly addresses: () => readonly string[]
  /** Works until the signal. */
  readonly run: (signal: AbortSignal) => Promise<void>
  readonly close: () => Promise<void>
}

type Registered = { readonly units: number; readonly classes: number; readonly registeredAt: bigint }

const rpcTimeoutMs = 20_000
const peerMsMax = 60_000
/** Seconds that a request must last beyond its acceptance. */
const settleSeconds = 60n
/** Seconds before its deadline at which an answer waits for no others. */
const marginSeconds = 45n
/** Between looks for versions of the models that are here. */
const lookMs = 60_000
/** A proof is announced for so long where nobody speaks of it. */
const announceMs = 30 * 60_000
/** Models of a capability. */
const toldModelsMax = 4

/** A worker with all its parts, not yet at work. Throws {@link WorkerError}, and what files, ports and the RPC throw. */
export async function openWorker(
  options: WorkerOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<RunningWorker> {
  const { dataDir } = options
  const registry = new Registry()
  const privateKey = hexToBytes(options.privateKey)
  const account = keySigner(privateKey)
  const rpc = new HttpRpcClient({ url: options.l2Url, timeoutMs: rpcTimeoutMs })
  const chainId = parseQuantity(await rpc.request('eth_chainId'))
  const genesis = ((await rpc.request('eth_getBlockByNumber', ['0x0', false])) as { readonly hash: Hex }).hash
  const { units, classes } = await registeredAs(rpc, account.address)
  const folder = openModelFolder(options.modelDirs)
  if (folder.models.size === 0) throw new WorkerError('no-models', `no model in ${options.modelDirs.join(', ')}`)
  const indexes = openIndexes(options.indexDir)

  const ledger = LedgerBook.open(join(dataDir, 'ledger.sqlite'), genesis)
  const sync = new LedgerSync({ rpc, book: ledger, clock, log })
  const book = JobBook.open(join(dataDir, 'jobs.sqlite'), genesis, account.address)
  const facts = new ChainFacts({ rpc, chainId, earlierReceipt: async () => undefined })
  const store = new ContentStore(join(dataDir, 'content'), merkleRoot)
  const peers = new ContentPeers({ urls: options.nodes, timeoutMs: peerMsMax }, contentHashOf)
  const content = new Content(store, peers, clock)
  const sender = await Sender.open(
    { name: 'worker', privateKey: options.privateKey, chainId, journalDir: join(dataDir, 'transactions') },
    { rpc, clock, log, registry, kzg: noBlobs },
  )
  const thread = new InferenceThread(folder)
  const proofs = new ProofStore(options.proofBytesMax)
  const terms = new Map<Hex, ModelTerms>()
  const termsOf = async (modelVersion: Hex): Promise<ModelTerms> => {
    const known = terms.get(modelVersion) ?? (await modelTerms(rpc, modelVersion))
    if (known === undefined) throw new JobError('unknown-model', `there is no model version ${modelVersion}`)
    requireIndexes(known, indexes)
    terms.set(modelVersion, known)
    return known
  }
  const modelRoot = async (modelVersion: Hex) => (await termsOf(modelVersion)).root
  let announcer: Announcer | undefined
  let served: readonly Hex[] = []
  const findServed = async () => {
    const versions = await versionsOf(rpc, new Set(folder.models.keys()))
    const known = await Promise.all(
      versions.map((each) =>
        termsOf(each).then(
          () => each,
          () => undefined,
        ),
      ),
    )
    served = known.filter((each) => each !== undefined)
    return false
  }
  const offered = new Set([0, 1, 2, 3, 4, 5].filter((proofClass) => ((classes >> proofClass) & 1) === 1))
  const desk = new JobDesk(
    { chainId, privateKey, worker: account.address, classes: offered, jobsMax: options.jobsMax, settleSeconds },
    {
      ...{ book, facts, log, backend: thread, funds: new Funds({ rpc, book, worker: account.address }) },
      now: () => ledger.head?.time ?? BigInt(Math.floor(clock.nowMs() / 1_000)),
      modelRoot,
      attribute: async ({ modelVersion }, output) => contributionsOf(await termsOf(modelVersion), indexes, output),
      proofs: {
        keep: (proof) => proofs.put(proof),
        announce: (job) => {
          const proof = proofs.get(job.receipt.receipt.proofHash)
          if (proof !== undefined) announcer?.announce(openProof(job, proof.size, ledger), clock.nowMs() + announceMs)
        },
      },
    },
  )

  const workers = new WorkerBook('any')
  const stopping = new AbortController()
  const hostDir = join(dataDir, 'p2p')
  const host = await openWorkerHost(
    { chainId, role: 'worker', ...options.p2p, announce: announced(options.p2p), dir: hostDir, agent: 'openledger' },
    {
      ...{ clock, log, metrics: registry, registry: workers, account },
      jobs: { state: () => 'open' },
      proof: (hash) => proofs.get(hash),
      handlers: { verdict: ({ requestId, worker }) => void (worker === account.address && announcer?.done(requestId)) },
      onJob: jobHandler(desk, stopping.signal),
      onEvidence: (evidence) => log.warn('two messages under one nonce', { evidence }),
    },
  )
  const feed = new WorkerFeed({ rpc, sink: workers, clock, log, onHead: () => host.network.onHead() })
  const hostKey = secp256k1.publicKeyCreate(await loadIdentity(join(hostDir, 'priv.txt')), true)
  const contextMax = Math.max(...[...folder.models.values()].map(({ config }) => config.context))
  const author = new MessageAuthor(chainId, account, clock)
  announcer = new Announcer({ network: host.network, author, clock, log, random: Math.random })
  const adverts = new Adverts({
    ...{ network: host.network, author, clock, log },
    block: () => ledger.head?.number ?? 0n,
    load: () => ({ running: desk.active, queued: 0, tokensPerMinute: 0 }),
    offer: () => ({
      ...{ hostKey, units, classes: offered, contextMax, ...dialled(options.p2p, host.network.addresses()) },
      models: served.slice(0, toldModelsMax),
    }),
  })
  const steps = [
    new CommitStep(
      { intervalSeconds: BigInt(options.batchIntervalSeconds), marginSeconds },
      { book, ledger, facts, content, sender, log },
    ),
    new PublishStep({ ledger, content, worker: account.address, nodes: options.nodes, log }),
    new AnswerStep({ ledger, content, sender, log }),
    new TraceStep({ ledger, content, backend: thread, modelRoot, sender, log }),
  ]
  await findServed()
  const announcing = announcer
  return {
    address: account.address,
    addresses: () => host.network.addresses(),
    run: async (signal) => {
      const end = () => stopping.abort(signal.reason)
      signal.addEventListener('abort', end, { once: true })
      if (signal.aborted) end()
      const { signal: stop } = stopping
      // New versions of models are looked for now and then.
      const again = async (look: () => Promise<unknown>) => {
        while (!stop.aborted) {
          await clock.sleep(lookMs, stop)
          if (!stop.aborted)
            await look().catch((error: unknown) =>
              log.warn('models were not looked for', { error: errorMessage(error) }),
            )
        }
      }
      await Promise.all([
        sync.run(stop),
        feed.run(stop),
        host.run(stop),
        adverts.run(stop),
        announcing.run(stop),
        settle({ steps, clock, log }, stop),
        again(findServed),
      ])
    },
    close: async () => {
      stopping.abort(new Error('the worker was closed'))
      await host.close()
      await thread.close()
      book.close()
      ledger.close()
    },
  }
}

/** Throws {@link WorkerError} for an account that may not answer. */
async function registeredAs(rpc: HttpRpcClient, worker: Hex): Promise<Registered> {
  const code = await rpc.request('eth_getCode', [moneyContracts.WorkerRegistry, 'latest'])
  if (code === '0x') throw new WorkerError('no-contracts', 'the chain has no WorkerRegistry: is --l2 an OpenLedger L2?')
  const ask = (functionName: string) => callContract(rpc, { contract: 'WorkerRegistry', functionName, args: [worker] })
  const registered = (await ask('workers')) as Registered
  if (registered.registeredAt === 0n) {
    throw new WorkerError('not-registered', `${worker} is no worker: openledger worker register makes it one`)
  }
  if ((await ask('isActive')) !== true) {
    throw new WorkerError(
      'not-registered',
      `the worker ${worker} is in jail, or its stake is below the least of its units`,
    )
  }
  return registered
}

function openIndexes(folder: string | undefined): Indexes {
  if (folder === undefined) return new Map()
  const files = readdirSync(folder).filter((name) => name.endsWith('.oli'))
  return new Map(files.map((name) => IndexFile.open(join(folder, name)).index).map((index) => [index.id, index]))
}

function openProof({ receipt: booked }: BookedJob, proofBytes: number, ledger: LedgerBook): OpenProof {
  const { request, receipt, payment } = booked
  const { requestId, outputRoot, traceRoot, proofHash } = receipt
  return {
    ...{ requestId, origin: payment === undefined ? 1 : 0, block: ledger.head?.number ?? 0n },
    ...{ modelVersion: request.modelVersion, promptRoot: request.promptRoot, outputRoot, traceRoot },
    ...{ proofHash, proofBytes, class: receipt.class },
  }
}

function announced({ advertiseIp, listenPort }: WorkerOptions['p2p']): readonly string[] {
  return advertiseIp === undefined || listenPort === 0 ? [] : [`/ip4/${advertiseIp}/tcp/${listenPort}`]
}

/** The address that a capability tells: IPv4 mapped into IPv6. */
function dialled(
  { advertiseIp, listenIp }: WorkerOptions['p2p'],
  addresses: readonly string[],
): { ip: Hex; port: number } {
  const port = Number(/\/tcp\/(\d+)/.exec(addresses[0] ?? '')?.[1] ?? 0)
  const text = advertiseIp ?? /\/ip4\/([\d.]+)/.exec(addresses[0] ?? '')?.[1] ?? listenIp
  const bytes = isIPv4(text)
    ? text.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))
    : ['00', '00', '00', '00']
  return { ip: `0x${'00'.repeat(10)}ffff${bytes.join('')}`, port }
}
