import { join } from 'node:path'
import type { Registry } from 'prom-client'
import { BatchThread } from '../attribution/epochs/batch-thread.ts'
import { IndexFolder } from '../attribution/indexes/index-folder.ts'
import { Content, contentHashOf } from '../chain/ledger/content.ts'
import type { L2Rpc } from '../chain/ledger/l2-rpc.ts'
import { LedgerBook } from '../chain/ledger/ledger-book.ts'
import { LedgerSync } from '../chain/ledger/ledger-sync.ts'
import { moneyContracts } from '../chain/ledger/money-contracts.ts'
import { namedByRequest } from '../chain/ledger/request-files.ts'
import { Sender } from '../chain/ledger/sender.ts'
import type { Kzg } from '../chain/tx/kzg.ts'
import type { Clock } from '../common/clock.ts'
import type { Closers } from '../common/closers.ts'
import { ContentPeers } from '../common/content-peers.ts'
import { ContentStore } from '../common/content-store.ts'
import type { RpcMethods } from '../common/json-rpc-server.ts'
import type { Log } from '../common/log.ts'
import { HeardHeartbeats } from '../p2p/workers/heard-heartbeats.ts'
import { concatBytes, type Hex, hexToBytes } from '../protocol/bytes.ts'
import { merkleRoot } from '../protocol/content-hash.ts'
import { keccak256 } from '../protocol/keccak.ts'
import { Attributor } from './attributor/attributor.ts'
import { type AttributorParts, attributorDefaults } from './attributor/attributor-parts.ts'
import { makeChecker } from './checker-part.ts'
import { NodeError } from './node-error.ts'
import type { NodeOptions } from './node-options.ts'
import { checkerMethods } from './rpc/checker-methods.ts'
import { contentRoutes } from './rpc/content-routes.ts'
import { Watcher, type WatcherIndexes } from './watcher/watcher.ts'

type Parts = {
  readonly rpc: L2Rpc
  readonly kzg: Kzg
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

type Role = { readonly run: (signal: AbortSignal) => Promise<void> }

export type MoneyPart = {
  /** Files of batches and epochs over HTTP. */
  readonly routes: ReturnType<typeof contentRoutes>
  /** What its roles tell over RPC. */
  readonly methods: RpcMethods
  /** Follows the chain's money and does its roles' work until the signal; absent where the node has none of these roles. */
  readonly run: ((signal: AbortSignal) => Promise<void>) | undefined
}

/** Time for a whole file of a batch from one peer. */
const peerMsMax = 60_000
/** Looks of a role at the book. */
const pollMs = 1_000

/** What has to do with money: content, and the roles attributor, watcher and checker. Throws NodeError `no-money-contracts`. */
export async function makeMoney(options: NodeOptions, parts: Parts, closers: Closers): Promise<MoneyPart> {
  const { dataDir, content: where } = options
  const store = new ContentStore(where?.dir ?? join(dataDir, 'content'), merkleRoot)
  const peers = new ContentPeers({ urls: where?.peers ?? [], timeoutMs: peerMsMax }, contentHashOf)
  const content = new Content(store, peers, parts.clock)
  const indexes = new IndexFolder(where?.indexes ?? join(dataDir, 'indexes'))
  const { attributor, watcher, checker } = options
  if (attributor === undefined && watcher === undefined && checker === undefined) {
    return {
      routes: contentRoutes({ content, indexes, isNamed: () => false, namedByRequest: () => undefined }),
      methods: {},
      run: undefined,
    }
  }
  await checkContracts(parts.rpc)
  const log = parts.log.with({ component: 'money' })
  const book = LedgerBook.open(join(dataDir, 'ledger.sqlite'), options.rollupConfig.genesis.l2.hash)
  closers.add('ledger book', () => book.close())
  const sync = new LedgerSync({ ...parts, log, book })
  const shared = {
    ...{ ...parts, log, book, sync, content },
    indexes: { folder: indexes, content: store, peers: where?.peers ?? [], models: watcher?.models ?? [] },
  }
  const heard = new HeardHeartbeats()
  const [checkerPart, ...others] = await Promise.all([
    checker &&
      makeChecker(
        { chainId: options.rollupConfig.l2ChainId, dir: join(dataDir, 'checker') },
        checker,
        {
          ...parts,
          book,
          content,
          heard,
          peers: where?.peers ?? [],
          sender: await openSender(options, 'checker', checker.key, shared),
        },
        closers,
      ),
    makeAttributor(options, { ...shared, heard: checker && heard }, closers),
    makeWatcher(options, shared),
  ])
  const roles = [checkerPart, ...others]
  return {
    methods: checkerPart === undefined ? {} : checkerMethods(checkerPart),
    routes: contentRoutes({
      ...{ content, indexes, isNamed: (hash) => book.namesContent(hash) },
      namedByRequest: (name) => namedByRequest(book, name),
    }),
    run: async (signal) => {
      await Promise.all([sync.run(signal), ...roles.map((role) => role?.run(signal))])
    },
  }
}

type Shared = Parts & {
  readonly book: LedgerBook
  readonly sync: LedgerSync
  readonly content: Content
  readonly indexes: WatcherIndexes
}

async function makeAttributor(
  options: NodeOptions,
  parts: Shared & Pick<AttributorParts, 'heard'>,
  closers: Closers,
): Promise<Role | undefined> {
  const { attributor: flags } = options
  if (flags === undefined) return undefined
  const sender = await openSender(options, 'attributor', flags.key, parts)
  const batchThread = new BatchThread()
  closers.add('attributor’s thread', () => batchThread.close())
  const { epochIntervalSeconds, claimThreshold, disburseMinimum, disburseIntervalSeconds } = flags
  const settings = {
    ...attributorDefaults,
    ...(epochIntervalSeconds === undefined ? {} : { epochIntervalSeconds: BigInt(epochIntervalSeconds) }),
    ...(claimThreshold === undefined ? {} : { claimThreshold }),
    ...(disburseMinimum === undefined ? {} : { disburseMinimum }),
    ...(disburseIntervalSeconds === undefined ? {} : { disburseIntervalSeconds: BigInt(disburseIntervalSeconds) }),
    pollMs,
  }
  return new Attributor(settings, { ...parts, sender, batchThread })
}

async function makeWatcher(options: NodeOptions, parts: Shared): Promise<Role | undefined> {
  const { watcher: flags, dataDir, rollupConfig } = options
  if (flags === undefined) return undefined
  const sender = await openSender(options, 'watcher', flags.key, parts)
  // Nobody else knows the key, so nobody else knows which leaves are asked for.
  const seed = keccak256(concatBytes(new TextEncoder().encode('openledger watcher'), hexToBytes(flags.key)))
  const { commitEvidence = false, community = true } = flags
  const dir = join(dataDir, 'watcher')
  const settings = { chainId: rollupConfig.l2ChainId, dir, seed, commitEvidence, community, pollMs }
  return new Watcher(settings, { ...parts, files: parts.content, sender })
}

async function openSender(
  { dataDir, rollupConfig }: NodeOptions,
  name: 'attributor' | 'watcher' | 'checker',
  privateKey: Hex,
  parts: Shared,
): Promise<Sender> {
  const journalDir = join(dataDir, name, 'transactions')
  return await Sender.open({ name, privateKey, chainId: rollupConfig.l2ChainId, journalDir }, parts)
}

async function checkContracts(rpc: L2Rpc): Promise<void> {
  for (const name of ['InferenceMarket', 'AttributionLedger', 'RoyaltyVault', 'DisputeGame'] as const) {
    const code = await rpc.request('eth_getCode', [moneyContracts[name], 'latest'])
    if (code !== '0x') continue
    throw new NodeError(
      'no-money-contracts',
      `this chain has no ${name} at ${moneyContracts[name]}: the roles attributor, watcher and checker have nothing to do on it`,
    )
  }
}
