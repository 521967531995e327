import { join } from 'node:path'
import type { ExplainFolders } from '../attribution/explain/answer-explainer.ts'
import { ExplainThread } from '../attribution/explain/explain-thread.ts'
import type { Clock } from '../common/clock.ts'
import { ContentPeers } from '../common/content-peers.ts'
import { ContentStore } from '../common/content-store.ts'
import type { Log } from '../common/log.ts'
import { contentHashInTurns, merkleRoot } from '../protocol/content-hash.ts'
import { ContentFetcher } from './content/fetcher.ts'
import { LedgerFiles } from './content/ledger-files.ts'
import { IndexEvents } from './graphql/events.ts'
import { listen } from './http-server.ts'
import { IndexerError } from './indexer-error.ts'
import { Store } from './store/store.ts'
import { ChainClient } from './sync/chain-client.ts'
import { EscrowWatch } from './sync/escrow-watch.ts'
import { GovernanceWatch } from './sync/governance-watch.ts'
import { HeadSocket } from './sync/head-socket.ts'
import { Sync } from './sync/sync.ts'

export type IndexerOptions = {
  readonly dataDir: string
  /** JSON-RPC of the node. */
  readonly l2Url: string
  /** Its WebSocket, for quicker news of heads. */
  readonly l2WsUrl?: string | undefined
  /** Content store with the contributed texts and the data of batches and epochs; absent: hashes only. */
  readonly contentDir?: string | undefined
  /** Nodes that are asked for data of batches and epochs that is not there; what they send is kept in the content store. */
  readonly contentPeers?: readonly string[] | undefined
  /** By what answers are explained; absent: by nothing. */
  readonly folders?: ExplainFolders | undefined
  readonly host: string
  readonly port: number
}

export type RunningIndexer = {
  /** `http://host:port`; GraphQL is at `/graphql`. */
  readonly url: string
  /** Resolves after `stop`; rejects where the index cannot go on. Queries are answered until `stop` even then. */
  readonly finished: Promise<void>
  readonly stop: () => Promise<void>
}

/** Waits for a node that does not answer, doubled up to the maximum. */
const chainIdMsMin = 500
const chainIdMsMax = 10_000
/** For a peer to send the largest file over a slow line. */
const peerMsMax = 120_000

/** Starts following the node and serving queries. Throws IndexerError; a node that does not answer is waited for. */
export async function startIndexer(
  options: IndexerOptions,
  parts: { readonly log: Log; readonly clock: Clock },
): Promise<RunningIndexer> {
  const { log, clock } = parts
  const store = Store.open(options.dataDir)
  const stopping = new AbortController()
  const client = new ChainClient(options.l2Url)
  const socket = options.l2WsUrl === undefined ? undefined : new HeadSocket(options.l2WsUrl, log)
  const events = new IndexEvents()
  const never = new Promise<void>(() => {})
  const sync = new Sync({
    client,
    store,
    clock,
    log,
    onEvent: (event) => events.publish(event),
    nextHead: socket?.nextHead ?? (() => never),
  })
  const escrowWatch = new EscrowWatch({ client, store, clock, log })
  const governanceWatch = new GovernanceWatch({ client, clock, log })
  const { contentPeers = [], contentDir = contentPeers.length > 0 ? join(options.dataDir, 'content') : undefined } =
    options
  const content = contentDir === undefined ? undefined : new ContentStore(contentDir, merkleRoot)
  const words = new ExplainThread(options.folders ?? { indexes: undefined, models: [] })
  let chainId = BigInt(store.meta('chainId') ?? 0)
  const chainIdNow = () => chainId
  const http = await listen(options, {
    ...{
      store,
      content,
      events,
      sync,
      escrowStates: () => escrowWatch.states,
      governance: () => governanceWatch.parameters,
      chainId: chainIdNow,
      words,
      log,
      clock,
    },
  }).catch((error) => {
    socket?.stop()
    store.close()
    throw error
  })
  const follow = async () => {
    chainId = await checkedChainId({ client, store, clock, log }, stopping.signal)
    await sync.run(stopping.signal)
  }
  const peers = contentPeers.length === 0 ? undefined : peersOf(contentPeers)
  const fetching =
    content === undefined
      ? []
      : [
          new ContentFetcher({ store, content, clock, log }).run(stopping.signal),
          new LedgerFiles({ store, content, peers, clock, log }).run(stopping.signal),
        ]
  const following = follow()
  const watching = Promise.all([escrowWatch.run(stopping.signal), governanceWatch.run(stopping.signal)])
  const finished = Promise.all([following, watching, ...fetching]).then(() => {})
  finished.catch(() => {})
  log.info('indexer started', { url: http.url, node: options.l2Url, at: store.cursor()?.number ?? null })
  return {
    url: http.url,
    finished,
    stop: async () => {
      stopping.abort()
      socket?.stop()
      events.stop()
      await Promise.allSettled([following, watching, ...fetching])
      await http.stop()
      await words.close()
      store.close()
    },
  }
}

function peersOf(urls: readonly string[]): ContentPeers {
  const turn = () => new Promise<void>((next) => setImmediate(next))
  return new ContentPeers({ urls, timeoutMs: peerMsMax }, (bytes) => contentHashInTurns(bytes, turn))
}

/** Waits for the node; an index of another chain is refused. */
async function checkedChainId({ client, store, clock, log }: ChainIdParts, signal: AbortSignal): Promise<bigint> {
  const known = store.meta('chainId')
  for (let waitMs = chainIdMsMin; !signal.aborted; waitMs = Math.min(2 * waitMs, chainIdMsMax)) {
    try {
      const id = await client.chainId()
      if (known !== undefined && known !== String(id)) {
        throw new IndexerError(
          'wrong-chain',
          `the index was built from chain ${known}, the node has chain ${id}; give a node of that chain or another index directory`,
        )
      }
      if (known === undefined) store.setMeta('chainId', String(id))
      return id
    } catch (error) {
      if (error instanceof IndexerError && error.code !== 'disk-full') throw error
      log.warn('node not reached, trying again', { error, waitMs })
      await clock.sleep(waitMs, signal)
    }
  }
  return 0n
}

type ChainIdParts = {
  readonly client: ChainClient
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}
