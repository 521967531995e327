import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import secp256k1 from 'secp256k1'
import { IndexFolder } from '../attribution/indexes/index-folder.ts'
import { SpanThread } from '../attribution/indexes/span-thread.ts'
import { InfluenceFiles } from '../attribution/influences/influence-files.ts'
import { obtainIndex } from '../chain/indexes/obtain-index.ts'
import { ShownSignatures } from '../chain/indexes/shown-signatures.ts'
import { SketchTables } from '../chain/indexes/sketch-tables.ts'
import { readHead } from '../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../chain/ledger/l2-rpc.ts'
import { type OpenAccount, openAccount } from '../chain/ledger/open-account.ts'
import { requestState } from '../chain/ledger/open-requests.ts'
import { WorkerFeed } from '../chain/ledger/worker-feed.ts'
import type { Clock } from '../common/clock.ts'
import { type Closers, opened } from '../common/closers.ts'
import { errorMessage } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import { loadIdentity } from '../p2p/peers/identity.ts'
import { Announcer } from '../p2p/workers/announcer.ts'
import { type AccountSigner, keySigner, MessageAuthor } from '../p2p/workers/message-author.ts'
import { ProofStore } from '../p2p/workers/proofs/proof-store.ts'
import { WorkerBook } from '../p2p/workers/registry-view.ts'
import { jobHead } from '../p2p/workers/wire/messages.ts'
import { openWorkerHost } from '../p2p/workers/worker-host.ts'
import { type Hex, hexToBytes, zeroHash } from '../protocol/bytes.ts'
import { AdapterFiles } from './backends/adapter-files.ts'
import { InferenceThread } from './backends/inference-thread.ts'
import { type ModelFolder, openModelFolder } from './backends/model-folder.ts'
import type { JobDesk } from './jobs/job-desk.ts'
import { jobHandler } from './jobs/job-handler.ts'
import { Claims } from './market/claims.ts'
import type { RequestParts } from './market/request-step.ts'
import { type Books, openBooks, openDesk, openMarket, openSteps } from './open-parts.ts'
import { Adverts } from './report/adverts.ts'
import { Announcements } from './report/announcements.ts'
import { Hardware } from './report/hardware.ts'
import { announcedAddresses, toldAddress } from './report/own-address.ts'
import { ServedModels } from './served-models.ts'
import { type Step, settle } from './settle/settlement.ts'
import { type Registered, registeredAs } from './worker-chain.ts'
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

type Around = { readonly clock: Clock; readonly log: Log }
/** Something that goes on until the signal. */
type Running = { readonly run: (signal: AbortSignal) => Promise<void> }

/** Between looks for versions of the models that are here. */
const lookMs = 60_000
/** Models of a capability. */
const toldModelsMax = 4
/** A claim is heard for so long by who was not connected. */
const claimSeconds = 100
/** Of the hardware challenge at the start, which takes a part of a second. */
const challengeSize = 512

/** A worker with all its parts, not yet at work. Throws {@link WorkerError}, and what files, ports and the RPC throw. */
export function openWorker(options: WorkerOptions, around: Around): Promise<RunningWorker> {
  return opened(around.log, (closers) => open(options, around, closers))
}

async function open(options: WorkerOptions, { clock, log }: Around, closers: Closers): Promise<RunningWorker> {
  const registry = new Registry()
  const account = keySigner(hexToBytes(options.privateKey))
  const chain = await openAccount({ ...options, name: 'worker' }, { clock, log, registry })
  const registered = await registeredAs(chain.rpc, account.address)
  const folder = openModelFolder(options.modelDirs)
  if (folder.models.size === 0) throw new WorkerError('no-models', `no model in ${options.modelDirs.join(', ')}`)
  const hardware = await measured(chain.rpc)

  const books = openBooks(options, chain, { clock, log }, closers)
  const indexes = new IndexFolder(options.indexDir)
  const own = { adapters: join(options.dataDir, 'adapters'), influences: join(options.dataDir, 'influences') }
  const influences = new InfluenceFiles({
    ...{ folders: options.modelDirs, dir: own.influences, urls: options.nodes, log },
  })
  closers.add('tables of influences', () => influences.close())
  const spans = new SpanThread(indexes.dir, [...options.modelDirs, own.adapters, own.influences])
  closers.add('spans', () => spans.close())
  const sources = { rpc: chain.rpc, content: books.content.store, peers: options.nodes }
  const models = new ServedModels({
    ...{ rpc: chain.rpc, indexes, roots: new Set(folder.models.keys()), log },
    obtainIndex: (id, signal) => obtainIndex(indexes, id, { ...sources, signal }),
  })
  await models.look()
  const adapters = new AdapterFiles({
    ...{ own: folder.adapters, models: folder.models, urls: options.nodes, log },
    dir: own.adapters,
  })
  closers.add('adapters', () => adapters.close())
  const backend = new InferenceThread(
    { ...folder, adapters, wantAdapter: (root) => adapters.want(root) },
    options.float,
  )
  closers.add('inference', () => backend.close())
  const store = new ProofStore(options.proofBytesMax)
  const proofs = new Announcements({ store, ledger: books.ledger, clock })
  const onChain = { signatures: new ShownSignatures(chain.rpc), tables: new SketchTables(chain.rpc) }
  const sourcesV2 = { indexes, influences, spans, ...onChain }
  const parts = { chain, books, backend, models, indexes, spans, sourcesV2, proofs, clock, log }
  const hostPrivateKey = await loadIdentity(identityFile(options))
  const desk = openDesk(options, { ...parts, hostPrivateKey, classes: registered.classes })
  const steps = await openSteps(options, { ...parts, ...desk })

  const stopping = new AbortController()
  // Every loop, job and step listens to it, more than Node takes for a leak.
  setMaxListeners(0, stopping.signal)
  const network = await openNetwork(
    options,
    {
      ...{ clock, log, registry, account, chain, books, store, proofs, hardware, registered, models, folder },
      ...desk,
    },
    { closers, stop: stopping.signal },
  )
  closers.add('jobs under way', () => stopping.abort(new Error('the worker was closed')))
  return {
    address: account.address,
    addresses: network.addresses,
    run: async (signal) => {
      const end = () => stopping.abort(signal.reason)
      signal.addEventListener('abort', end, { once: true })
      if (signal.aborted) end()
      const { signal: stop } = stopping
      await Promise.all([
        ...[books.sync, ...network.running].map((part) => part.run(stop)),
        ...[settle({ steps: [...steps, network.market], clock, log }, stop), lookAgain(models, { clock, log }, stop)],
      ])
    },
    close: () => closers.close(),
  }
}

/** The seed is a block that nobody could choose or know before. */
async function measured(rpc: L2Rpc): Promise<Hardware> {
  const hardware = new Hardware()
  await hardware.multiply({ seed: (await readHead(rpc, 'latest'))?.hash ?? zeroHash, size: challengeSize })
  return hardware
}

type NetworkParts = Around & {
  readonly registry: Registry
  readonly account: AccountSigner
  readonly chain: OpenAccount
  readonly books: Books
  readonly store: ProofStore
  readonly proofs: Announcements
  readonly hardware: Hardware
  readonly registered: Registered
  readonly models: ServedModels
  readonly folder: ModelFolder
  readonly desk: JobDesk
}

type Network = {
  readonly addresses: () => readonly string[]
  readonly running: readonly Running[]
  readonly market: Step
}

/** What a host keeps, its key among it. */
const p2pFolder = ({ dataDir }: WorkerOptions) => join(dataDir, 'p2p')
const identityFile = (options: WorkerOptions) => join(p2pFolder(options), 'priv.txt')

/** The worker's host, what it says by itself, and the requests on chain that workers share among them. */
async function openNetwork(
  options: WorkerOptions,
  parts: NetworkParts,
  { closers, stop }: { readonly closers: Closers; readonly stop: AbortSignal },
): Promise<Network> {
  const { p2p } = options
  const { clock, log, registry, account, chain, books, store, proofs, hardware, registered, models, folder, desk } =
    parts
  const { rpc, chainId } = chain
  const workers = new WorkerBook('any')
  const claims = new Claims()
  const dir = p2pFolder(options)
  const host = await openWorkerHost(
    { ...{ chainId, role: 'worker', ...p2p, announce: announcedAddresses(p2p) }, dir, agent: 'openledger' },
    {
      ...{ clock, log, metrics: registry, registry: workers, account },
      jobs: { state: (requestId) => requestState(books.ledger, requestId) },
      proof: (hash) => store.get(hash),
      multiply: (challenge) => hardware.multiply(challenge, stop),
      handlers: {
        verdict: ({ requestId, worker }) => void (worker === account.address && proofs.done(requestId)),
        job: ({ requestId, author }) => claims.add(requestId, author, books.ledger.head?.time ?? 0n),
      },
      onJob: jobHandler(desk, stop),
      onEvidence: (evidence) => log.warn('two messages under one nonce', { evidence }),
    },
  )
  closers.add('network', () => host.close())
  const { network } = host
  const author = new MessageAuthor(chainId, account, clock)
  const announcer = new Announcer({ network, author, clock, log, random: Math.random })
  proofs.announcer = announcer
  const hostKey = secp256k1.publicKeyCreate(await loadIdentity(identityFile(options)), true)
  const contextMax = Math.max(...[...folder.models.values()].map(({ config }) => config.context))
  const adverts = new Adverts({
    ...{ network, author, clock, log },
    block: () => books.ledger.head?.number ?? 0n,
    load: () => desk.load,
    offer: () => ({
      ...{ hostKey, ...registered, contextMax, ...hardware.score, ...toldAddress(p2p, network.addresses()) },
      models: models.versions.slice(0, toldModelsMax),
    }),
  })
  const feed = new WorkerFeed({ rpc, sink: workers, clock, log, onHead: () => network.onHead() })
  const claim: RequestParts['claim'] = async ({ request, tokens }, requestId) => {
    const { payer, modelVersion, promptRoot: promptHash, sampling, maxFee, deadline } = request
    const value = {
      ...{ requestId, author: account.address, payer, modelVersion, promptHash, class: request.class },
      ...{
        tin: tokens.length,
        maxTokens: sampling.maxTokens,
        maxFee,
        block: books.ledger.head?.number ?? 0n,
        deadline,
      },
    }
    await network.publish('jobs', author.message(jobHead, value, claimSeconds))
  }
  const market = openMarket(options, { chain, books, log, desk, workers, claims, claim })
  return { addresses: () => network.addresses(), running: [feed, host, adverts, announcer], market }
}

/** New versions of models are looked for now and then, and indexes that they need. */
async function lookAgain(models: ServedModels, { clock, log }: Around, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await models
      .obtain(signal)
      .catch((error: unknown) => log.warn('models were not looked for', { error: errorMessage(error) }))
    await clock.sleep(lookMs, signal)
  }
}
