import { join } from 'node:path'
import { Registry } from 'prom-client'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import { openAccount } from '../../chain/ledger/open-account.ts'
import { WorkerFeed } from '../../chain/ledger/worker-feed.ts'
import type { Clock } from '../../common/clock.ts'
import { type Closers, opened } from '../../common/closers.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { WorkerBook } from '../../p2p/workers/registry-view.ts'
import { verdictKinds } from '../../p2p/workers/wire/messages.ts'
import { openWorkerHost } from '../../p2p/workers/worker-host.ts'
import { type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { InferenceThread } from '../../worker/backends/inference-thread.ts'
import { openModelFolder } from '../../worker/backends/model-folder.ts'
import { AgentPurse } from './agent-purse.ts'
import { WorkerAsker } from './ask-worker.ts'
import { Canary } from './canary.ts'
import { Equivocations } from './equivocations.ts'
import { KnownWorkers } from './known-workers.ts'
import { OpenAiServer } from './openai-server.ts'
import { PayerBook } from './payer-book.ts'
import { type ServedModel, servedModels } from './served-models.ts'

export type ProxyOptions = {
  readonly dataDir: string
  readonly l2Url: string
  readonly privateKey: Hex
  readonly modelDirs: readonly string[]
  readonly staticPeers: readonly string[]
  readonly listen: { readonly host: string; readonly port: number }
  readonly p2p: { readonly listenIp: string; readonly listenPort: number }
  /** Accounts whose verdicts count. */
  readonly checkers: readonly Hex[]
  readonly proofClass: number
  /** Whether requests are sealed for the worker; class SIGNED alone. */
  readonly isPrivate?: boolean
  readonly answerSeconds: number
  /** wei a UTC day. */
  readonly dailyCap: bigint
  /** wei of a deposit where a channel is short. */
  readonly deposit: bigint
  /** Mean time between two looks at answers by which workers are tested; 0: none. */
  readonly canaryMs: number
  /** Keccak-256 of the app's code that requests name. */
  readonly appCode?: Hex | undefined
  /** The agent that the key pays for, and the trail that answers are added to; absent: it pays for itself. */
  readonly agent?: { readonly id: bigint; readonly trail: string | undefined } | undefined
}

export type RunningProxy = {
  readonly port: number
  readonly payer: Hex
  /** File of the agent's trail. */
  readonly trail: string | undefined
  readonly run: (signal: AbortSignal) => Promise<void>
  readonly close: () => Promise<void>
}

type Around = { readonly clock: Clock; readonly log: Log }

/** Verdicts by which a worker is found wrong. */
const wrongKinds: readonly number[] = [verdictKinds.unit, verdictKinds.answer, verdictKinds.root]
/** Between looks for versions of the models that are here. */
const lookMs = 15_000

/** The endpoint with its host, listening. Throws what files, ports and the RPC throw. */
export function openProxy(options: ProxyOptions, around: Around): Promise<RunningProxy> {
  return opened(around.log, (closers) => open(options, around, closers))
}

async function open(options: ProxyOptions, { clock, log }: Around, closers: Closers): Promise<RunningProxy> {
  const { dataDir } = options
  const registry = new Registry()
  const { rpc, chainId, genesis, sender } = await openAccount({ ...options, name: 'payer' }, { clock, log, registry })
  const privateKey = hexToBytes(options.privateKey)
  const payer = sender.address
  const folder = openModelFolder(options.modelDirs)
  const { models: files } = folder
  const agent = await agentOf(options, { rpc, chainId, payer, clock })
  const perDay = agent?.limits.perDay ?? options.dailyCap
  const dailyCap = perDay < options.dailyCap ? perDay : options.dailyCap
  const book = PayerBook.open(join(dataDir, 'payer.sqlite'), genesis, payer, dailyCap)
  closers.add('book', () => book.close())
  const known = new KnownWorkers()
  const registered = new WorkerBook(options.checkers)
  const host = await openWorkerHost(
    { chainId, role: 'client', ...options.p2p, dir: join(dataDir, 'p2p'), staticPeers: options.staticPeers },
    {
      ...{ clock, log, metrics: registry, registry: registered },
      // A client hears no jobs and no announcements.
      jobs: { state: () => 'unknown' },
      proof: () => undefined,
      handlers: {
        capability: (value) => known.offers(value, clock.nowMs()),
        heartbeat: (value) => known.beats(value, clock.nowMs()),
        verdict: ({ worker, kind }) => {
          if (wrongKinds.includes(kind)) book.count(worker, 'wrong')
        },
      },
      onEvidence: () => {},
    },
  )
  closers.add('network', () => host.close())
  const feed = new WorkerFeed({ rpc, sink: registered, clock, log, onHead: () => host.network.onHead() })
  let served: readonly ServedModel[] = await servedModels(rpc, files)
  const nowMs = () => clock.nowMs()
  const asker = new WorkerAsker(
    {
      ...{ chainId, payer, privateKey, proofClass: options.proofClass, isPrivate: options.isPrivate ?? false },
      ...{ answerSeconds: options.answerSeconds, deposit: options.deposit, appCode: options.appCode },
    },
    {
      ...{ rpc, network: host.network, workers: known, book, sender, agent, log, nowMs },
      equivocations: new Equivocations({ book, sender, nowMs, log }),
    },
  )
  const backend = new InferenceThread(folder)
  closers.add('inference', () => backend.close())
  const canary = new Canary({ asker, backend, book, models: () => served, clock, log })
  const isWatched = options.canaryMs > 0
  const server = new OpenAiServer({ asker: isWatched ? canary : asker, models: () => served, nowMs, log })
  closers.add('endpoint', () => server.close())
  const port = await server.listen(options.listen.host, options.listen.port)
  return {
    port,
    payer,
    trail: agent?.trail,
    run: async (signal) => {
      const look = async () => {
        while (!signal.aborted) {
          await clock.sleep(lookMs, signal)
          if (signal.aborted) return
          served = await servedModels(rpc, files).catch((error: unknown) => {
            log.warn('models were not looked for', { error: errorMessage(error) })
            return served
          })
        }
      }
      const canaries = isWatched ? [canary.run(options.canaryMs, signal)] : []
      await Promise.all([feed.run(signal), host.run(signal), look(), ...canaries])
    },
    close: () => closers.close(),
  }
}

type Payer = { readonly rpc: L2Rpc; readonly chainId: bigint; readonly payer: Hex; readonly clock: Clock }

async function agentOf({ agent, dataDir }: ProxyOptions, { rpc, chainId, payer, clock }: Payer) {
  if (agent === undefined) return undefined
  const whose = { chainId, agentId: agent.id, key: payer, trail: agent.trail, dir: join(dataDir, 'trails') }
  return await AgentPurse.open(whose, rpc, () => clock.nowMs())
}
