import { join } from 'node:path'
import { Registry } from 'prom-client'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import { Sender } from '../../chain/ledger/sender.ts'
import { WorkerFeed } from '../../chain/ledger/worker-feed.ts'
import { noBlobs } from '../../chain/tx/kzg.ts'
import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import type { Log } from '../../common/log.ts'
import { WorkerBook } from '../../p2p/workers/registry-view.ts'
import { verdictKinds } from '../../p2p/workers/wire/messages.ts'
import { openWorkerHost } from '../../p2p/workers/worker-host.ts'
import { bytesToHex, type Hex, hexToBytes, parseQuantity } from '../../protocol/bytes.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { openModelFolder } from '../../worker/backends/model-folder.ts'
import { WorkerAsker } from './ask-worker.ts'
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
  readonly answerSeconds: number
  /** wei a UTC day. */
  readonly dailyCap: bigint
  /** wei of a deposit where a channel is short. */
  readonly deposit: bigint
}

export type RunningProxy = {
  readonly port: number
  readonly payer: Hex
  readonly run: (signal: AbortSignal) => Promise<void>
  readonly close: () => Promise<void>
}

const rpcTimeoutMs = 20_000
/** Verdicts by which a worker is found wrong. */
const wrongKinds: readonly number[] = [verdictKinds.unit, verdictKinds.answer, verdictKinds.root]
/** Between looks for versions of the models that are here. */
const lookMs = 15_000

/** The endpoint with its host, listening. Throws what files, ports and the RPC throw. */
export async function openProxy(
  options: ProxyOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<RunningProxy> {
  const { dataDir } = options
  const rpc: L2Rpc = new HttpRpcClient({ url: options.l2Url, timeoutMs: rpcTimeoutMs })
  const chainId = parseQuantity(await rpc.request('eth_chainId'))
  const genesis = ((await rpc.request('eth_getBlockByNumber', ['0x0', false])) as { readonly hash: Hex }).hash
  const privateKey = hexToBytes(options.privateKey)
  const payer = bytesToHex(privateKeyAddress(privateKey))
  const { models: files } = openModelFolder(options.modelDirs)
  const registry = new Registry()
  const book = PayerBook.open(join(dataDir, 'payer.sqlite'), genesis, payer, options.dailyCap)
  const sender = await Sender.open(
    { name: 'payer', privateKey: options.privateKey, chainId, journalDir: join(dataDir, 'transactions') },
    { rpc, clock, log, registry, kzg: noBlobs },
  )
  const known = new KnownWorkers()
  const registered = new WorkerBook(options.checkers)
  const host = await openWorkerHost(
    { chainId, role: 'client', ...options.p2p, dir: join(dataDir, 'p2p'), staticPeers: options.staticPeers },
    {
      ...{ clock, log, metrics: registry, registry: registered },
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
  const feed = new WorkerFeed({ rpc, sink: registered, clock, log, onHead: () => host.network.onHead() })
  let served: readonly ServedModel[] = await servedModels(rpc, files)
  const asker = new WorkerAsker(
    {
      ...{ chainId, payer, privateKey, proofClass: options.proofClass },
      ...{ answerSeconds: options.answerSeconds, deposit: options.deposit },
    },
    { rpc, network: host.network, workers: known, book, sender, log, nowMs: () => clock.nowMs() },
  )
  const server = new OpenAiServer({ asker, models: () => served, nowMs: () => clock.nowMs(), log })
  const port = await server.listen(options.listen.host, options.listen.port)
  return {
    port,
    payer,
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
      await Promise.all([feed.run(signal), host.run(signal), look()])
    },
    close: async () => {
      await server.close()
      await host.close()
      book.close()
    },
  }
}
