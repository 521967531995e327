import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Gauge, Registry } from 'prom-client'
import type { Clock } from '../common/clock.ts'
import { ContentStore } from '../common/content-store.ts'
import { errorMessage } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import { merkleRoot } from '../protocol/content-hash.ts'
import { ContentFetcher } from './content/fetcher.ts'
import { IndexEvents } from './graphql/events.ts'
import { graphqlServer } from './graphql/server.ts'
import { IndexerError } from './indexer-error.ts'
import { Store } from './store/store.ts'
import { ChainClient } from './sync/chain-client.ts'
import { HeadSocket } from './sync/head-socket.ts'
import { Sync } from './sync/sync.ts'

export type IndexerOptions = {
  readonly dataDir: string
  /** JSON-RPC of the node. */
  readonly l2Url: string
  /** Its WebSocket, for quicker news of heads. */
  readonly l2WsUrl?: string | undefined
  /** Content store with the contributed texts; absent: hashes only. */
  readonly contentDir?: string | undefined
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

/** The index is not ready while it is this many blocks behind the head, or the node has been silent this long. */
const readyLagMax = 20
const silentMsMax = 30_000
const chainIdRetryMs = 1000

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
  const content = options.contentDir === undefined ? undefined : new ContentStore(options.contentDir, merkleRoot)
  const chainId = { value: BigInt(store.meta('chainId') ?? 0) }
  const http = await listen(options, { store, content, events, sync, chainId, log, clock })
  const follow = async () => {
    chainId.value = await checkedChainId(client, store, clock, stopping.signal)
    await sync.run(stopping.signal)
  }
  const fetchContent =
    content === undefined
      ? Promise.resolve()
      : new ContentFetcher({ store, content, clock, log, onItems: () => {} }).run(stopping.signal)
  const following = follow()
  const finished = Promise.all([following, fetchContent]).then(() => {})
  finished.catch(() => {})
  log.info('indexer started', { url: http.url, node: options.l2Url, at: store.cursor()?.number ?? null })
  return {
    url: http.url,
    finished,
    stop: async () => {
      stopping.abort()
      socket?.stop()
      events.stop()
      await Promise.allSettled([following, fetchContent])
      await http.stop()
      store.close()
    },
  }
}

/** Waits for the node; an index of another chain is refused. */
async function checkedChainId(client: ChainClient, store: Store, clock: Clock, signal: AbortSignal): Promise<bigint> {
  const known = store.meta('chainId')
  while (!signal.aborted) {
    const id = await client.chainId().catch(() => undefined)
    if (id === undefined) {
      await clock.sleep(chainIdRetryMs, signal)
      continue
    }
    if (known !== undefined && known !== String(id)) {
      throw new IndexerError('wrong-chain', `the index was built from chain ${known}, the node has chain ${id}`)
    }
    store.setMeta('chainId', String(id))
    return id
  }
  return 0n
}

type Served = {
  readonly store: Store
  readonly content: ContentStore | undefined
  readonly events: IndexEvents
  readonly sync: Sync
  readonly chainId: { readonly value: bigint }
  readonly log: Log
  readonly clock: Clock
}

async function listen(
  options: IndexerOptions,
  served: Served,
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const { store, content, events, sync, log } = served
  const yoga = graphqlServer(
    {
      store,
      content,
      events,
      syncState: () => sync.state,
      get chainId() {
        return served.chainId.value
      },
    },
    log,
  )
  const registry = metrics(served)
  const server = createServer((request, response) => {
    switch (request.url) {
      case '/healthz':
        return send(response, 200, 'ok\n')
      case '/readyz': {
        const why = notReady(served)
        return send(response, why === undefined ? 200 : 503, `${why ?? 'ok'}\n`)
      }
      case '/metrics':
        void registry.metrics().then((text) => send(response, 200, text))
        return
      default:
        void yoga(request, response)
    }
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new IndexerError('in-use', `cannot listen on ${options.host}:${options.port}: ${errorMessage(cause)}`, {
          cause,
        }),
      ),
    )
    server.listen(options.port, options.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${options.host}:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** Why queries would be answered from a stale index; undefined where they would not. */
function notReady({ store, sync, clock }: Served): string | undefined {
  const { head, error, lookedMs } = sync.state
  if (error !== undefined) return error
  if (head === undefined || clock.nowMs() - lookedMs > silentMsMax) return 'the node does not answer'
  const lag = head - (store.cursor()?.number ?? 0)
  return lag > readyLagMax ? `${lag} blocks behind the head` : undefined
}

function metrics({ store, sync }: Served): Registry {
  const registry = new Registry()
  const gauge = (name: string, help: string, read: () => number | undefined) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read() ?? Number.NaN)
      },
    })
  gauge('indexer_block', 'Last indexed block', () => store.cursor()?.number)
  gauge('indexer_head', "The node's head", () => sync.state.head)
  gauge('indexer_missing_contents', 'Texts that are not in the content store', () =>
    Number(store.get("select count(*) as n from content where state = 'missing'")?.['n']),
  )
  return registry
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(body)
}
