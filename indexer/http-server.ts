import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { Gauge, Registry } from 'prom-client'
import type { Clock } from '../common/clock.ts'
import type { ContentStore } from '../common/content-store.ts'
import { errorMessage } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import { type GovernanceParameters, governanceDrift } from '../protocol/governance-parameters.ts'
import { PayoutTrees } from './content/payout-trees.ts'
import { PayeeExports } from './csv/payee-export.ts'
import type { WordsAtHand } from './graphql/context.ts'
import { type IndexEvents, subscribersMax } from './graphql/events.ts'
import { graphqlServer } from './graphql/server.ts'
import { IndexerError } from './indexer-error.ts'
import type { Store } from './store/store.ts'
import type { EscrowState } from './sync/escrow-watch.ts'
import type { Sync } from './sync/sync.ts'

/** The index is not ready while it is this many blocks behind the head, or the node has been silent this long. */
const readyLagMax = 20
const silentMsMax = 30_000
/** Every subscriber and as many that ask. */
const connectionsMax = 2 * subscribersMax

type Served = {
  readonly store: Store
  readonly content: ContentStore | undefined
  readonly events: IndexEvents
  readonly sync: Sync
  readonly escrowStates: () => readonly EscrowState[]
  readonly governance: () => GovernanceParameters | undefined
  readonly chainId: () => bigint
  readonly words: WordsAtHand
  readonly log: Log
  readonly clock: Clock
}

/** Serves GraphQL, lists of payees as CSV, health and metrics. Throws IndexerError where the port is taken. */
export async function listen(
  options: { readonly host: string; readonly port: number },
  served: Served,
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const { store, content, events, sync, escrowStates, governance, chainId, words, log } = served
  const payouts = content === undefined ? undefined : new PayoutTrees(content)
  const syncState = () => sync.state
  const yoga = graphqlServer(
    { store, content, payouts, events, chainId, syncState, escrowStates, governance, words },
    log,
  )
  const registry = metrics(served)
  const exports = new PayeeExports(store)
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
        if (!exports.answer(request.url ?? '', response)) void yoga(request, response)
    }
  })
  server.maxConnections = connectionsMax
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

function metrics({ store, sync, escrowStates, governance, events }: Served): Registry {
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
  gauge('indexer_missing_contents', 'Texts, manifests and data files that are not in the content store', () =>
    store.missingContents(),
  )
  const missing = () => escrowStates().reduce((sum, { held, owed }) => sum + Number(held < owed ? owed - held : 0n), 0)
  gauge('indexer_escrow_missing_wei', 'What contracts owe and do not hold', missing)
  gauge('indexer_governance_drift', 'Parameters of Governor and Timelock that are not the documented ones', () => {
    const parameters = governance()
    return parameters && governanceDrift(parameters).length
  })
  gauge('indexer_subscribers', 'Open subscriptions', () => events.size)
  return registry
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(body)
}
