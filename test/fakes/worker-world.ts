import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { unitsOf } from '../../attribution/epochs/receipt-entries.ts'
import { ChainFacts } from '../../chain/ledger/chain-facts.ts'
import { Content, contentHashOf } from '../../chain/ledger/content.ts'
import { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { LedgerSync } from '../../chain/ledger/ledger-sync.ts'
import { Sender } from '../../chain/ledger/sender.ts'
import type { Kzg } from '../../chain/tx/kzg.ts'
import { ContentPeers } from '../../common/content-peers.ts'
import { ContentStore } from '../../common/content-store.ts'
import { createLog } from '../../common/log.ts'
import type { Job, JobEvent, SignedCancel } from '../../p2p/workers/jobs/job.ts'
import { bytesToHex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { type InferenceRequest, requestIdOf } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { channelOf, voucherStructHash } from '../../protocol/voucher.ts'
import type { Backend } from '../../worker/backends/backend.ts'
import { Funds } from '../../worker/jobs/funds.ts'
import { JobBook } from '../../worker/jobs/job-book.ts'
import { JobDesk } from '../../worker/jobs/job-desk.ts'
import { ReceiptMaker } from '../../worker/jobs/receipt-maker.ts'
import { AnswerStep } from '../../worker/settle/answer-step.ts'
import { AttributeStep } from '../../worker/settle/attribute-step.ts'
import { CommitStep } from '../../worker/settle/commit-step.ts'
import { LedgerChain } from './ledger-chain.ts'
import { LedgerMarket } from './ledger-market.ts'

/** Says the prompt backwards, a token at a time; `pause` holds it before each token. */
export class BackwardsBackend implements Backend {
  runs = 0
  /** What it was asked last. */
  task: Parameters<Backend['answer']>[0] | undefined
  pause: (() => Promise<void>) | undefined

  readonly check = (): void => {}

  async *answer(task: Parameters<Backend['answer']>[0], signal: AbortSignal) {
    this.runs++
    this.task = task
    for (const token of [...task.prompt].reverse().slice(0, task.sampling.maxTokens)) {
      await this.pause?.()
      if (signal.aborted) throw new Error('stopped')
      yield { kind: 'tokens', tokens: [token] } as const
    }
    yield { kind: 'end', traceRoot: `0x${'7a'.repeat(32)}` } as const
  }

  readonly show: Backend['show'] = async () => []

  readonly sample: Backend['sample'] = async () => new Uint8Array(1)

  readonly trace: Backend['trace'] = async (_, output) => ({ traceRoot: bytesToHex(tokenListRoot(output)) })
}

type OpenWorker = {
  readonly desk: JobDesk
  readonly commit: CommitStep
  readonly attribute: AttributeStep
  readonly answers: AnswerStep
  readonly book: JobBook
  readonly ledger: LedgerBook
  readonly sync: LedgerSync
  readonly content: Content
  readonly sender: Sender
}

/** A worker's desk and settlement on a chain with the real contracts; blocks are built by the test. */
export class WorkerWorld {
  readonly chain: LedgerChain
  readonly market: LedgerMarket
  readonly backend = new BackwardsBackend()
  readonly lines: string[] = []
  /** Throws while answers cannot be attributed. */
  requireAttribution: () => void = () => {}
  nowMs = 1_000_000
  readonly #dir = mkdtempSync(join(tmpdir(), 'worker-'))
  #open: OpenWorker | undefined
  #nonce = 0n
  #cap = 0n

  private constructor(chain: LedgerChain, market: LedgerMarket) {
    this.chain = chain
    this.market = market
  }

  static async open(): Promise<WorkerWorld> {
    const chain = await LedgerChain.open()
    return new WorkerWorld(chain, await LedgerMarket.open(chain))
  }

  /** Where the worker and the chain keep what they know. */
  get dirs(): readonly string[] {
    return [this.#dir, this.chain.dir]
  }

  async close(): Promise<void> {
    this.stop()
    await this.chain.close()
    rmSync(this.#dir, { recursive: true })
  }

  /** Opens what is on disk, as a worker that was restarted. */
  async start(
    options: Partial<{
      intervalSeconds: bigint
      jobsMax: number
      jobsWaitingMax: number
      hostPrivateKey: Uint8Array
    }> = {},
  ): Promise<OpenWorker> {
    const { chain, backend } = this
    const { address: worker, key } = chain.actor('worker')
    const log = createLog({ level: 'debug', format: 'text', write: (line) => this.lines.push(line) })
    const clock = { nowMs: () => Date.now(), sleep: () => new Promise<void>((next) => setTimeout(next, 2)) }
    const ledger = LedgerBook.open(join(this.#dir, 'ledger.sqlite'), chain.firstHash)
    const sync = new LedgerSync({ rpc: chain.rpc, book: ledger, clock, log })
    const book = JobBook.open(join(this.#dir, 'jobs.sqlite'), chain.firstHash, worker)
    const facts = new ChainFacts({ rpc: chain.rpc, chainId: 901n, earlierReceipt: async () => undefined })
    const store = new ContentStore(join(this.#dir, 'content'), merkleRoot)
    const content = new Content(store, new ContentPeers({ urls: [], timeoutMs: 1_000 }, contentHashOf), clock)
    const account = { name: 'worker', privateKey: key, chainId: 901n, journalDir: join(this.#dir, 'txs') }
    const sender = await Sender.open(account, { rpc: chain.rpc, clock, log, registry: new Registry(), kzg: {} as Kzg })
    const now = () => chain.now
    const receipts = new ReceiptMaker({
      ...{ chainId: 901n, privateKey: hexToBytes(key), facts, now },
      attribute: async () => {
        this.requireAttribution()
        return [unitsOf(1n)]
      },
    })
    const { jobsMax = 8, jobsWaitingMax = 0 } = options
    const desk = new JobDesk(
      {
        ...{ worker, classes: new Set([this.market.terms.class, 1]) },
        ...{ runningMax: jobsMax, waitingMax: jobsWaitingMax, settleSeconds: 60n },
      },
      {
        ...{ book, facts, backend, log, now, receipts, nowMs: () => this.nowMs },
        hostPrivateKey: options.hostPrivateKey,
        funds: new Funds({ rpc: chain.rpc, book, worker }),
        modelRoot: async () => zeroHash,
        proofs: { keep: async () => zeroHash, announce: () => {} },
      },
    )
    const attribute = new AttributeStep({ book, receipts, desk, now, nowMs: () => this.nowMs, log })
    // The market's model has no indexes that could die.
    const sets = { isDeadAt: async () => false, contributionsOfDead: async () => [], contributionsV2: async () => [] }
    const commit = new CommitStep(
      { intervalSeconds: options.intervalSeconds ?? 0n, marginSeconds: 60n },
      { book, ledger, facts, sets, content, sender, log },
    )
    const answers = new AnswerStep({ ledger, content, sender, log })
    this.#open = { desk, commit, attribute, answers, book, ledger, sync, content, sender }
    return this.#open
  }

  stop(): void {
    this.#open?.book.close()
    this.#open?.ledger.close()
    this.#open = undefined
  }

  /** A request of alice's with her voucher. */
  job(prompt: readonly number[], change: Partial<InferenceRequest> = {}, cap?: bigint): Job {
    const alice = this.chain.actor('alice')
    const worker = this.chain.actor('worker').address
    const tokens = Uint32Array.from(prompt)
    const { terms } = this.market
    const request: InferenceRequest = {
      ...{ chainId: 901n, payer: alice.address, nonce: this.#nonce++, modelVersion: terms.modelVersion, adapters: [] },
      ...{ templateHash: zeroHash, promptRoot: bytesToHex(tokenListRoot(tokens)) },
      sampling: { tempQ16: 0, topK: 0, topPQ16: 65536, maxTokens: 16, stopHash: zeroHash },
      ...{ class: terms.class, priceVersion: terms.priceVersion, maxFee: 10n ** 18n, appCode: zeroHash },
      deadline: this.chain.now + 3_600n,
      ...change,
    }
    this.#cap += request.maxFee
    const value = {
      ...{ channel: channelOf(alice.address, worker), requestId: requestIdOf(request), worker },
      ...{ maxFee: request.maxFee, cumulativeCap: cap ?? this.#cap, deadline: request.deadline },
    }
    const { bytes } = alice.sign(moneyDigest(901n, voucherStructHash(value)))
    return { request, voucher: { value, signature: bytes }, tokens, stops: [] }
  }

  /** Takes a job and gathers all it says. */
  async answer(job: Job, desk: JobDesk, cancelled: Promise<SignedCancel> = new Promise(() => {})): Promise<JobEvent[]> {
    const client = { requestId: job.voucher.value.requestId, cancelled }
    const events: JobEvent[] = []
    for await (const event of await desk.take(job, client, new AbortController().signal)) events.push(event)
    return events
  }

  /** Follows the chain to its head. */
  async follow(sync: LedgerSync): Promise<void> {
    while (await sync.step());
  }
}
