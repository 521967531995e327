import { join } from 'node:path'
import type { BatchReceipt } from '../attribution/epochs/batch-rows.ts'
import { ruleAt } from '../attribution/epochs/rule-at.ts'
import type { IndexFolder } from '../attribution/indexes/index-folder.ts'
import { isDeadAt } from '../chain/indexes/published-index.ts'
import { batchBeacon } from '../chain/ledger/batch-beacon.ts'
import { ChainFacts } from '../chain/ledger/chain-facts.ts'
import { Content, contentHashOf } from '../chain/ledger/content.ts'
import { LedgerBook } from '../chain/ledger/ledger-book.ts'
import { LedgerSync } from '../chain/ledger/ledger-sync.ts'
import type { OpenAccount } from '../chain/ledger/open-account.ts'
import { fetchRequestFile } from '../chain/ledger/request-files.ts'
import type { Clock } from '../common/clock.ts'
import type { Closers } from '../common/closers.ts'
import { ContentPeers } from '../common/content-peers.ts'
import { ContentStore } from '../common/content-store.ts'
import type { Log } from '../common/log.ts'
import type { WorkerBook } from '../p2p/workers/registry-view.ts'
import { algoHashV1, algoHashV2 } from '../protocol/attribution-rule.ts'
import { type Hex, hexToBytes } from '../protocol/bytes.ts'
import { merkleRoot } from '../protocol/content-hash.ts'
import { contributionsOf, contributionsOfDead, type Spans } from './attribute/contributions.ts'
import { attributedV2, contributionsV2, type SourcesV2, sketchedBy } from './attribute/contributions-v2.ts'
import type { Backend } from './backends/backend.ts'
import { Funds } from './jobs/funds.ts'
import { JobBook } from './jobs/job-book.ts'
import { JobDesk, type JobProofs } from './jobs/job-desk.ts'
import { ReceiptMaker } from './jobs/receipt-maker.ts'
import type { Claims } from './market/claims.ts'
import { placeOf } from './market/place.ts'
import { type RequestParts, RequestStep } from './market/request-step.ts'
import type { Announcements } from './report/announcements.ts'
import type { ServedModels } from './served-models.ts'
import { AnswerStep } from './settle/answer-step.ts'
import { AttributeStep } from './settle/attribute-step.ts'
import { CommitStep } from './settle/commit-step.ts'
import { EvidenceStep } from './settle/evidence-step.ts'
import { FingerprintStep } from './settle/fingerprint-step.ts'
import { ForgetStep } from './settle/forget-step.ts'
import { ProofStep } from './settle/proof-step.ts'
import { PublishStep } from './settle/publish-step.ts'
import type { Step } from './settle/settlement.ts'
import { TraceStep } from './settle/trace-step.ts'
import { receiptWindow } from './worker-chain.ts'
import type { WorkerOptions } from './worker-options.ts'

type Around = { readonly clock: Clock; readonly log: Log }

/** What is on disk: of the chain, of the jobs, of the data of batches. */
export type Books = {
  readonly ledger: LedgerBook
  readonly sync: LedgerSync
  readonly book: JobBook
  readonly content: Content
  readonly facts: ChainFacts
}

/** Peers give a whole file in this time. */
const peerMsMax = 60_000
/** Seconds that a request must last beyond its acceptance. */
const settleSeconds = 60n
/** Seconds before its deadline at which an answer waits for no others. */
const marginSeconds = 45n

/** Throws what files throw. */
export function openBooks(
  { dataDir, nodes }: WorkerOptions,
  { rpc, chainId, genesis, sender }: OpenAccount,
  { clock, log }: Around,
  closers: Closers,
): Books {
  const ledger = LedgerBook.open(join(dataDir, 'ledger.sqlite'), genesis)
  closers.add('ledger', () => ledger.close())
  const book = JobBook.open(join(dataDir, 'jobs.sqlite'), genesis, sender.address)
  closers.add('jobs', () => book.close())
  const peers = new ContentPeers({ urls: nodes, timeoutMs: peerMsMax }, contentHashOf)
  return {
    ...{ ledger, book, sync: new LedgerSync({ rpc, book: ledger, clock, log }) },
    content: new Content(new ContentStore(join(dataDir, 'content'), merkleRoot), peers, clock),
    facts: new ChainFacts({ rpc, chainId, earlierReceipt: async () => undefined }),
  }
}

type DeskParts = Around & {
  readonly chain: OpenAccount
  readonly books: Books
  readonly backend: Backend
  readonly models: ServedModels
  readonly indexes: IndexFolder
  readonly spans: Spans
  readonly sourcesV2: SourcesV2
  readonly proofs: JobProofs
  /** By which private requests are unsealed. */
  readonly hostPrivateKey: Uint8Array
  readonly classes: ReadonlySet<number>
}

export type Desk = { readonly desk: JobDesk; readonly receipts: ReceiptMaker }

export function openDesk(options: WorkerOptions, parts: DeskParts): Desk {
  const { chain, books, backend, models, indexes, spans, proofs, classes, clock, log } = parts
  const { ledger, book, facts } = books
  const privateKey = hexToBytes(options.privateKey)
  const now = () => ledger.head?.time ?? BigInt(Math.floor(clock.nowMs() / 1_000))
  const worker = chain.sender.address
  const receipts = new ReceiptMaker({
    ...{ chainId: chain.chainId, privateKey, facts, now },
    attribute: async (request, output, { algoHash, prompt, time }) => {
      const terms = await models.terms(request.modelVersion)
      if (algoHash === algoHashV1) return await contributionsOf(terms, { indexes, spans }, output)
      return await contributionsV2(terms, { request, prompt, output, isDead: false, time }, parts.sourcesV2)
    },
  })
  const desk = new JobDesk(
    { worker, classes, runningMax: options.jobsMax, waitingMax: options.jobsWaitingMax, settleSeconds },
    {
      ...{ book, facts, log, backend, receipts, proofs, now, nowMs: () => clock.nowMs() },
      modelRoot: async (request) => {
        const terms = await models.served(request.modelVersion)
        const time = now()
        // What cannot be attributed is not begun.
        if ((await ruleAt(facts, time)) === algoHashV2) await sketchedBy(terms, request, time, parts.sourcesV2)
        return terms.root
      },
      hostPrivateKey: parts.hostPrivateKey,
      funds: new Funds({ rpc: chain.rpc, book, worker }),
    },
  )
  return { desk, receipts }
}

type MarketParts = Pick<DeskParts, 'chain' | 'books' | 'log'> & {
  readonly desk: JobDesk
  readonly workers: WorkerBook
  readonly claims: Claims
  readonly claim: RequestParts['claim']
}

/** Answers requests opened on chain, whose prompts the nodes have. */
export function openMarket(options: WorkerOptions, parts: MarketParts): RequestStep {
  const { chain, books, desk, workers, claims, claim, log } = parts
  const { rpc, sender } = chain
  const { ledger, book } = books
  return new RequestStep({
    ...{ ledger, book, desk, claims, claim, log },
    placeOf: (request) => placeOf(request, { rpc, ledger, workers, worker: sender.address }),
    file: (kind, name, signal) => fetchRequestFile(kind, name, { urls: options.nodes, signal }),
  })
}

/** What is done again and again for the answers that were given. Throws what the RPC throws. */
export async function openSteps(
  options: WorkerOptions,
  parts: Pick<DeskParts, 'chain' | 'books' | 'backend' | 'models' | 'spans' | 'sourcesV2' | 'clock' | 'log'> &
    Desk & { readonly proofs: Announcements },
): Promise<Step[]> {
  const { chain, books, backend, models, spans, sourcesV2, desk, receipts, proofs, clock, log } = parts
  const { rpc, sender } = chain
  const { ledger, book, content, facts } = books
  const now = () => ledger.head?.time
  const terms = (modelVersion: Hex) => models.terms(modelVersion)
  const sets = {
    isDeadAt: async (modelVersion: Hex, time: bigint) => isDeadAt(rpc, (await terms(modelVersion)).indexIds, time),
    contributionsOfDead: async (modelVersion: Hex) => contributionsOfDead(await terms(modelVersion), spans),
    contributionsV2: async ({ request, prompt, output }: BatchReceipt, time: bigint, isDead: boolean) =>
      contributionsV2(await terms(request.modelVersion), { request, prompt, output, isDead, time }, sourcesV2),
  }
  const evidenceV2 = async ({ request, prompt, output }: BatchReceipt, time: bigint, isDead: boolean) => {
    const answer = { request, prompt, output, isDead, time }
    return (await attributedV2(await terms(request.modelVersion), answer, sourcesV2))?.evidence ?? new Uint8Array()
  }
  return [
    new CommitStep(
      { intervalSeconds: BigInt(options.batchIntervalSeconds), marginSeconds },
      { book, ledger, facts, sets, content, sender, log },
    ),
    new PublishStep({ ledger, content, worker: sender.address, nodes: options.nodes, log }),
    new AnswerStep({ ledger, content, sender, log }),
    new EvidenceStep({ rpc, ledger, content, spans, evidenceV2, terms, sender, log }),
    new TraceStep({ ledger, content, backend, modelRoot: models.root, sender, log }),
    new FingerprintStep({ ledger, book, content, sender, log }),
    new ProofStep({
      ...{ ledger, book, content, backend, proofs, modelRoot: models.root, worker: sender.address, log },
      beacon: (l2Block) => batchBeacon(rpc, l2Block),
    }),
    new AttributeStep({ book, receipts, desk, now, nowMs: () => clock.nowMs(), log }),
    new ForgetStep({ book, now, windowSeconds: await receiptWindow(rpc), log }),
  ]
}
