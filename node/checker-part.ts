import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Registry } from 'prom-client'
import { batchBeacon } from '../chain/ledger/batch-beacon.ts'
import type { Content } from '../chain/ledger/content.ts'
import { callContract } from '../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../chain/ledger/l2-rpc.ts'
import type { LedgerBook } from '../chain/ledger/ledger-book.ts'
import { type ModelTerms, modelTerms } from '../chain/ledger/model-terms.ts'
import type { Sender } from '../chain/ledger/sender.ts'
import { WorkerFeed } from '../chain/ledger/worker-feed.ts'
import type { Clock } from '../common/clock.ts'
import type { Closers } from '../common/closers.ts'
import { errorMessage } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import { LruCache } from '../common/lru-cache.ts'
import { counter } from '../common/metrics.ts'
import type { HeardHeartbeats } from '../p2p/workers/heard-heartbeats.ts'
import { limitsDefault, pulledAt, pulledBytesPerSecondDefault } from '../p2p/workers/limits.ts'
import { keySigner, MessageAuthor } from '../p2p/workers/message-author.ts'
import { WorkerBook } from '../p2p/workers/registry-view.ts'
import { openWorkerHost } from '../p2p/workers/worker-host.ts'
import type { WorkerNetwork } from '../p2p/workers/worker-network.ts'
import { type Hex, hexToBytes } from '../protocol/bytes.ts'
import { CheckedModels } from './checker/checked-models.ts'
import { Checker, type CheckPace } from './checker/checker.ts'
import { FetchedAdapters } from './checker/fetched-adapters.ts'
import { QuarrelThread } from './checker/quarrel-thread.ts'
import { Quarrels } from './checker/quarrels.ts'
import { type SettledAnswer, SettledAnswers } from './checker/settled-answers.ts'
import { FloatThread } from './committee/float-thread.ts'
import { makeCommittee } from './committee/make-committee.ts'
import { openAnswer } from './committee/opened-answer.ts'
import { QueryCheck } from './committee/query-check.ts'
import { adaptersIn } from './committee/sketch-jobs.ts'
import { SketchThread } from './committee/sketch-thread.ts'
import { VoteJournal } from './committee/vote-journal.ts'
import type { CheckerFlags } from './node-options.ts'
import { ActionRunner } from './watcher/action-runner.ts'

type Parts = {
  readonly rpc: L2Rpc
  readonly book: LedgerBook
  readonly content: Content
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  readonly sender: Pick<Sender, 'address' | 'send'>
  readonly heard: HeardHeartbeats
  /** Nodes that serve adapters and tables by their roots. */
  readonly peers: readonly string[]
}

export type CheckerPart = {
  readonly checker: Checker
  readonly network: WorkerNetwork
  readonly models: CheckedModels
  readonly account: Hex
  readonly run: (signal: AbortSignal) => Promise<void>
}

/** Time back to which a worker that connects is asked for announcements; they live no longer. */
const catchUpSeconds = 120
const beaconsMax = 1_024
/** Model versions whose terms are remembered. */
const termsMax = 1_024
/** Between looks at quarrels and cases: an answer is due in no less than 10 s. */
const quarrelMs = 1_000
/** Between looks for workers that have connected. */
const lookMs = 2_000

/** The role checker: a host of the network of workers, and what checks answers. Throws P2pError and PeersError. */
export async function makeChecker(
  { chainId, dir }: { readonly chainId: bigint; readonly dir: string },
  flags: CheckerFlags,
  parts: Parts,
  closers: Closers,
): Promise<CheckerPart> {
  const { rpc, book, content, clock, registry: metrics } = parts
  const log = parts.log.with({ component: 'checker' })
  const account = keySigner(hexToBytes(flags.key))
  const pools = join(dir, 'pools')
  await mkdir(pools, { recursive: true, mode: 0o700 })
  const workers = new WorkerBook([account.address, ...flags.accounts])
  const host = await openWorkerHost(
    {
      ...{ chainId, role: 'checker', agent: 'openledger', dir: join(dir, 'p2p') },
      ...{ listenIp: flags.listenIp, listenPort: flags.listenPort, staticPeers: flags.staticPeers },
      limits: { ...limitsDefault, pulled: pulledAt(flags.pulledBytesPerSecond ?? pulledBytesPerSecondDefault) },
    },
    {
      ...{ clock, log, metrics, registry: workers, account },
      // Which requests are open on chain is seen when their batch is.
      jobs: { state: () => 'open' },
      proof: () => undefined,
      handlers: {
        proof: (announce) => checker.add(announce),
        heartbeat: ({ worker }, _, bytes) => parts.heard.add(worker, bytes),
      },
      onEvidence: ({ kind, author }) => log.warn('two messages under one nonce', { kind, author }),
    },
  )
  closers.add('worker network', () => host.close())
  const fetched = join(dir, 'fetched')
  const closing = new AbortController()
  closers.add('files being fetched', async () => closing.abort(new Error('the node stops')))
  const models = new CheckedModels(
    flags.models,
    pools,
    new FetchedAdapters(adaptersIn(fetched), parts.peers, closing.signal),
  )
  await models.openPools()
  closers.add('checker’s threads', () => models.close())
  const answers = new SettledAnswers(book, content)
  const terms = new LruCache<Hex, ModelTerms>(termsMax)
  let seconds: bigint | undefined
  const window = async () => {
    seconds ??= (await callContract(rpc, { contract: 'TraceDemands', functionName: 'window', args: [] })) as bigint
    return seconds
  }
  const checker = new Checker({
    ...{ network: host.network, author: new MessageAuthor(chainId, account, clock), clock, log, metrics },
    answer: (worker, requestId) => answers.get(worker, requestId),
    lookForBatches: (signal) => answers.look(signal),
    modelTerms: async (modelVersion) => {
      const known = terms.get(modelVersion) ?? (await modelTerms(rpc, modelVersion))
      if (known !== undefined) terms.set(modelVersion, known)
      return known
    },
    answers: () => answers.all(),
    beacon: beaconsOf(rpc),
    check: (task) => models.check(task),
    checkFloat: (answer, file) => committee.check(answer, file),
    pace: async () => paceOf(await window()),
    now: () => book.head?.time ?? 0n,
  })
  const sent = counter(metrics, 'checker_transactions_total', 'Transactions of quarrels', ['kind', 'outcome'])
  const runner = new ActionRunner({
    ...{ rpc, sender: parts.sender, evidence: undefined, nowMs: () => clock.nowMs(), log },
    metrics: { sent },
  })
  const floats = new FloatThread({ folders: flags.models, fetched: adaptersIn(fetched), urls: parts.peers })
  closers.add('thread of float checks', () => floats.close())
  const sketches = new SketchThread({ folders: flags.models, fetched, urls: parts.peers })
  closers.add('thread of query sketches', () => sketches.close())
  const journal = new VoteJournal(join(dir, 'votes.sqlite'))
  closers.add('votes', () => journal.close())
  const modelRoot = async (modelVersion: Hex) => (await modelTerms(rpc, modelVersion))?.root
  const committee = makeCommittee({
    ...{ rpc, book, floats, journal, answers, runner, window, log },
    open: (batchId, index, signal) => openAnswer(book, content, { batchId, index }, signal),
    account: account.address,
    sketches: new QueryCheck({ rpc, modelRoot, sketches, log }),
    modelRoot,
    suspects: () => checker.floatSuspects(),
    found: ({ receipt }) => {
      const verdict = checker.get(receipt.worker, receipt.requestId)?.verdict
      return verdict === 'withheld' ? undefined : verdict
    },
  })
  const thread = new QuarrelThread([...flags.models, adaptersIn(fetched)])
  closers.add('thread of quarrels', () => thread.close())
  const quarrels = new Quarrels({
    ...{ book, files: content, runner, thread, log, suspects: () => checker.suspects(), window },
    haveAdapters: (task) => models.haveAdapters(task),
    modelTerms: async (modelVersion) => terms.get(modelVersion) ?? (await modelTerms(rpc, modelVersion)),
  })
  const feed = new WorkerFeed({ rpc, sink: workers, clock, log, onHead: () => host.network.onHead() })
  return {
    checker,
    network: host.network,
    models,
    account: account.address,
    run: async (signal) => {
      await Promise.all([
        feed.run(signal),
        host.run(signal),
        checker.run(signal),
        catchUp(host.network, { clock, log }, signal),
        again((stop) => quarrels.look(stop), 'quarrels do not go on, trying again', { clock, log }, signal),
        again((stop) => committee.look(stop), 'cases do not go on, trying again', { clock, log }, signal),
      ])
      await Promise.all([runner.settle(), committee.judged()])
    },
  }
}

/** A proof is asked for again often enough that a quarrel can follow in the first third of the window. */
function paceOf(window: bigint): CheckPace {
  const [least, most] = [1_000, 10_000]
  const againMs = Math.min(most, Math.max(least, (Number(window) * 1_000) / 36))
  return { againMs, silentSeconds: window / 24n > 5n ? window / 24n : 5n }
}

/** Beacons of batches, by the block that a batch is in. */
function beaconsOf(rpc: L2Rpc): (answer: SettledAnswer) => Promise<Hex | undefined> {
  const known = new LruCache<string, Hex>(beaconsMax)
  return async ({ batchId, l2Block }) => {
    const key = `${batchId} ${l2Block}`
    const beacon = known.get(key) ?? (await batchBeacon(rpc, l2Block))
    if (beacon !== undefined) known.set(key, beacon)
    return beacon
  }
}

/** Looks again and again until the signal. */
async function again(
  look: (signal: AbortSignal) => Promise<void>,
  failed: string,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await look(signal).catch((error: unknown) => {
      if (!signal.aborted) log.warn(failed, { error: errorMessage(error) })
    })
    await clock.sleep(quarrelMs, signal)
  }
}

/** Asks each worker that connects for what it announced before. */
async function catchUp(
  network: WorkerNetwork,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  let asked = new Set<string>()
  while (!signal.aborted) {
    const bound = network.peers().filter(({ role }) => role === 'worker' || role === 'checker')
    const since = Math.floor(clock.nowMs() / 1_000) - catchUpSeconds
    for (const { peerId } of bound.filter(({ peerId }) => !asked.has(peerId))) {
      await network.catchUp(peerId, since, signal).catch((error: unknown) => {
        if (!signal.aborted) log.debug('a peer gave no list of proofs', { peer: peerId, error })
      })
    }
    asked = new Set(bound.map(({ peerId }) => peerId))
    await clock.sleep(lookMs, signal)
  }
}
