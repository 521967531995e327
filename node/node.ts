import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { KzgWorker } from '../chain/tx/kzg.ts'
import type { Clock } from '../common/clock.ts'
import { type Closers, opened } from '../common/closers.ts'
import { errorMessage } from '../common/errors.ts'
import { RpcServer } from '../common/json-rpc-server.ts'
import type { Log } from '../common/log.ts'
import { counter } from '../common/metrics.ts'
import { loadUpgradeTransactions } from '../protocol/upgrade-txs.ts'
import { batcherAdminMethods } from './batcher/admin-methods.ts'
import { AttributesBuilder } from './derive/attributes.ts'
import { DerivationPipeline } from './derive/pipeline.ts'
import { Driver } from './driver/driver.ts'
import { EngineState } from './driver/engine-state.ts'
import { labelledHeads } from './driver/find-heads.ts'
import { L2Source } from './driver/l2-source.ts'
import { runTogether } from './driver/loop.ts'
import { SafeDb } from './driver/safe-db.ts'
import type { SyncStatus } from './driver/sync-status.ts'
import { openEngine } from './engine-part.ts'
import { DriftWatch } from './governance/drift-watch.ts'
import { confirmedL1 } from './l1/confirmed-l1.ts'
import type { L1HeadEvent } from './l1/l1-heads.ts'
import { type L1Part, makeL1, reachL1 } from './l1-part.ts'
import { listen } from './listen.ts'
import { makeMoney } from './money-part.ts'
import type { NodeOptions } from './node-options.ts'
import { NodeStore } from './node-store.ts'
import { startP2p } from './p2p-part.ts'
import { Posting } from './posting-part.ts'
import { proposerAdminMethods } from './proposer/admin-methods.ts'
import { adminMethods } from './rpc/admin-methods.ts'
import { healthRoutes } from './rpc/health.ts'
import { optimismMethods } from './rpc/optimism-methods.ts'
import { p2pMethods } from './rpc/p2p-methods.ts'
import { Sequencer } from './sequencer/sequencer.ts'
import { makeUnsafeSync } from './unsafe-sync-part.ts'

/** L1 is silent when it did not answer for that many polls, at least for half a minute. */
const silentPolls = 5
const silentMsMin = 30_000

export type RunningNode = {
  /** Ports in use: the rollup JSON-RPC; of an embedded engine `eth_*` and, if asked for, the Engine API. */
  readonly ports: { readonly rpc: number; readonly eth?: number; readonly engine?: number }
  readonly syncStatus: () => SyncStatus
  /** Resolves after `stop`; rejects when the node cannot go on. It serves its RPC until `stop` even then. */
  readonly finished: Promise<void>
  /** Resolves when everything is still and closed. */
  readonly stop: () => Promise<void>
}

/** `kzg` is given where it was told to load before the node's options were read; the node stops it. */
export type NodeParts = { readonly log: Log; readonly clock: Clock; readonly kzg?: KzgWorker }

/**
 * Starts a rollup node: the one place that puts its parts together. Throws NodeError, NodeStoreError and the engine's
 * errors; an L1 that cannot be reached is waited for.
 */
export function startNode(options: NodeOptions, parts: NodeParts): Promise<RunningNode> {
  return opened(parts.log, (closers) => start(options, parts, closers))
}

async function start(
  options: NodeOptions,
  { log, clock, kzg = new KzgWorker() }: NodeParts,
  closers: Closers,
): Promise<RunningNode> {
  const { dataDir, rollupConfig: config } = options
  const registry = new Registry()
  // Two signals: a stopping batcher still needs L1 when the loops have ended.
  const [stopping, l1Over] = [new AbortController(), new AbortController()]
  const upgradeTransactions =
    options.upgradeTransactions === undefined ? undefined : loadUpgradeTransactions(options.upgradeTransactions)

  await mkdir(dataDir, { recursive: true })
  const store = await NodeStore.open(dataDir)
  closers.add('node store', () => store.close())
  const safeDb = await SafeDb.open(options.safeDbPath ?? join(dataDir, 'safedb'))
  closers.add('safe-head database', () => safeDb.close())
  const enginePart = await openEngine(options, { clock, log, registry, signal: stopping.signal }, closers)
  const { engine } = enginePart
  const l1 = makeL1(options.l1, { kzg, clock, log, registry, signal: l1Over.signal }, closers)
  closers.add('l1 requests', () => l1Over.abort())

  const l2 = new L2Source(config, engine)
  const state = new EngineState(await labelledHeads(config, l2), { engine, log })
  const unsafe = makeUnsafeSync(
    options,
    { state, l1, l2, driver: () => driver, clock, log: log.with({ component: 'unsafe-sync' }), registry },
    closers,
  )
  const delayed = confirmedL1(l1.source, BigInt(options.l1.confs), l1.heads)
  const driver = new Driver(config, {
    state,
    l1: l1.source,
    l2,
    pipeline: new DerivationPipeline(config, {
      l1: delayed,
      l2,
      log: log.with({ component: 'derive' }),
      counters: { count: (what) => dropped(registry).inc({ what }) },
      upgradeTransactions,
    }),
    unsafePayloads: unsafe.queue,
    engineSync: unsafe.engineSync,
    safeDb,
    clock,
    log: log.with({ component: 'driver' }),
    registry,
  })
  const p2p =
    options.p2p === undefined
      ? undefined
      : await startP2p(
          options.p2p,
          { ...unsafe.p2p, config, payloadByNumber: l2.payloadByNumber, clock, log, registry },
          closers,
        )
  const sequencer = await makeSequencer()
  const syncStatus = () => statusOf(l1, driver, state)
  const money = await makeMoney(options, { rpc: enginePart.rpc, kzg, clock, log, registry }, closers)
  const drift = new DriftWatch({ rpc: enginePart.rpc, clock, log: log.with({ component: 'governance' }), registry })
  const posting = await Posting.make(options, { l1, l2, engine, syncStatus, clock, log, registry })
  let criticalError: string | undefined

  const health = healthRoutes(
    {
      nowMs: clock.nowMs,
      l1SeenMs: l1.seenMs,
      l1SilentMsMax: Math.max(silentPolls * options.l1.pollIntervalMs, silentMsMin),
      derivation: () => driver.health,
      sequencedMs: () => (sequencer?.isActive === true ? sequencer.lastBlockMs : undefined),
      blockTimeMs: Number(config.blockTime) * 1000,
      criticalError: () => criticalError,
    },
    options.metrics ? registry : undefined,
  )
  const server = new RpcServer(options.rpc, {
    methods: {
      ...optimismMethods(config, { syncStatus, l2, engine, safeDb }),
      ...(options.rpc.enableAdmin ? adminMethods(config, { driver, unsafe, log, sequencer }) : {}),
      ...(p2p === undefined ? {} : p2pMethods(p2p)),
      ...money.methods,
      ...(options.rpc.enableAdmin && posting.batcher !== undefined ? batcherAdminMethods(posting.batcher) : {}),
      ...(options.rpc.enableAdmin && posting.proposer !== undefined ? proposerAdminMethods(posting.proposer) : {}),
    },
    log,
    route: async (path, request) => (await money.routes.route(path, request)) ?? (await health(path)),
    upload: money.routes.upload,
  })
  const rpc = await listen(server, options.rpc, 'rollup JSON-RPC')
  closers.add('rollup rpc', () => server.stop())
  log.info('node started', { chain: config.l2ChainId, rpc, ...enginePart.ports, dataDir })

  const finished = run(stopping.signal).catch((error: unknown) => {
    criticalError = errorMessage(error)
    log.error('the node cannot go on', { error })
    throw error
  })
  // The caller may only look later; until then a rejection must not end the process.
  finished.catch(() => undefined)
  let stopped: Promise<void> | undefined
  return { ports: { rpc, ...enginePart.ports }, syncStatus, finished, stop: () => (stopped ??= stop()) }

  async function makeSequencer(): Promise<Sequencer | undefined> {
    const flags = options.sequencer
    if (flags === undefined) return undefined
    const confirmed = confirmedL1(l1.source, BigInt(flags.l1Confs), l1.heads)
    return new Sequencer(
      config,
      {
        active: (await store.sequencerActive()) ?? !flags.stopped,
        maxSafeLag: BigInt(flags.maxSafeLag),
        recoverMode: flags.recoverMode,
      },
      {
        state,
        l1: confirmed,
        l1Heads: l1.heads,
        l2,
        attributes: new AttributesBuilder(config, { l1: confirmed, l2, upgradeTransactions }),
        requestReset: (reason) => driver.requestReset(reason),
        publish: p2p?.publish,
        store: { setActive: (active) => store.setSequencerActive(active) },
        clock,
        log: log.with({ component: 'sequencer' }),
        registry,
      },
    )
  }

  async function run(signal: AbortSignal): Promise<void> {
    await reachL1(l1, config, { clock, log, signal })
    if (signal.aborted) return
    closers.add(
      'l1 heads listener',
      l1.heads.on((event) => follow(event, driver)),
    )
    if (l1.heads.latest !== undefined) driver.onL1Head(l1.heads.latest)
    if (l1.heads.finalized !== undefined) driver.onFinalizedL1(l1.heads.finalized)
    const loops = [(either: AbortSignal) => driver.run(either), (either: AbortSignal) => drift.run(either)]
    if (p2p !== undefined) loops.push((either) => unsafe.run(p2p.network, either))
    if (sequencer !== undefined) loops.push((either) => sequencer.run(either))
    if (money.run !== undefined) loops.push(money.run)
    posting.start(signal)
    await runTogether(signal, loops)
  }

  async function stop(): Promise<void> {
    stopping.abort()
    await posting.stop(() => l1Over.abort())
    l1Over.abort()
    await finished.catch(() => undefined)
    await closers.close()
    log.info('node stopped')
  }
}

function follow(event: L1HeadEvent, driver: Driver): void {
  if (event.kind === 'safe') return
  if (event.kind === 'finalized') driver.onFinalizedL1(event.head)
  else driver.onL1Head(event.head)
  if (event.kind !== 'reorg' || event.ancestor === undefined || driver.currentL1 === undefined) return
  // Found by the next block's parent hash too, but only when there is one. A head lower than what was read may be of a
  // server that lags behind the others.
  const origin = driver.currentL1.number
  if (event.ancestor.number < origin && event.head.number >= origin) driver.requestReset('L1 reorg')
}

function statusOf(l1: L1Part, driver: Driver, state: EngineState): SyncStatus {
  const { unsafe, pendingSafe, safe, finalized } = state.heads
  return {
    currentL1: driver.currentL1,
    headL1: l1.heads.latest,
    safeL1: l1.heads.safe,
    finalizedL1: l1.heads.finalized,
    unsafeL2: unsafe,
    crossUnsafeL2: unsafe,
    pendingSafeL2: pendingSafe,
    localSafeL2: safe,
    safeL2: safe,
    finalizedL2: finalized,
  }
}

const dropped = (registry: Registry) =>
  counter(registry, 'derive_dropped_total', 'data on L1 that derivation dropped', ['what'])
