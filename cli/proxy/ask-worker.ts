import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { callContract } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { Sender } from '../../chain/ledger/sender.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { stopHash } from '../../inference/answer/stops.ts'
import { inputTokens } from '../../inference/answer/template.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import type { Job, Refusal } from '../../p2p/workers/jobs/job.ts'
import type { WorkerNetwork } from '../../p2p/workers/worker-network.ts'
import { bytesToBigint, bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { signCompact } from '../../protocol/compact-signature.ts'
import { feeOf } from '../../protocol/fee.ts'
import type { InferenceReceipt } from '../../protocol/inference-receipt.ts'
import { type InferenceRequest, requestIdOf } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { channelOf, voucherStructHash } from '../../protocol/voucher.ts'
import type { AgentPurse } from './agent-purse.ts'
import type { ChatRequest } from './chat-request.ts'
import type { Equivocations } from './equivocations.ts'
import { HeardAnswer } from './heard-answer.ts'
import type { KnownWorker, KnownWorkers } from './known-workers.ts'
import type { PayerBook } from './payer-book.ts'
import { type PrivateJob, sealFor } from './private-job.ts'
import { ProxyError } from './proxy-error.ts'
import { lastPrice, type PricedModel, type ServedModel, templateOf } from './served-models.ts'

export type AskOptions = {
  readonly chainId: bigint
  readonly payer: Hex
  readonly privateKey: Uint8Array
  readonly proofClass: number
  /** Seconds that a worker has. */
  readonly answerSeconds: number
  /** Keccak-256 of the app's code, which the builder's share goes to; absent: no app. */
  readonly appCode?: Hex | undefined
  /** wei put into a worker's channel where it is short; 0: deposits are the payer's own doing. */
  readonly deposit: bigint
  /** Whether requests are sealed for the worker; class SIGNED alone. */
  readonly isPrivate?: boolean
}

export type AskParts = {
  readonly rpc: L2Rpc
  readonly network: Pick<WorkerNetwork, 'ask' | 'hostsOf'>
  readonly workers: KnownWorkers
  readonly book: PayerBook
  readonly sender: Pick<Sender, 'send'>
  readonly equivocations: Equivocations
  /** Whose key pays, where it is an agent's. */
  readonly agent?: Pick<AgentPurse, 'limits' | 'requireAllowed' | 'fundCall' | 'record'> | undefined
  readonly log: Log
  readonly nowMs: () => number
}

/** Text as it comes; at last what it cost. */
export type AskEvent =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'done'
      readonly receipt: InferenceReceipt
      readonly reason: 'stop' | 'length'
      /** wei of the greatest fee that were not spent. */
      readonly unspent: bigint
      /** What the worker was asked. */
      readonly job: Job
    }

type Asked = {
  readonly host: string
  readonly job: Job
  readonly priced: PricedModel
  readonly sealed: PrivateJob | undefined
  /** The model's token that ends an answer. */
  readonly eos: number
  /** Of the model. */
  readonly name: string
}

const defaultTokens = 256
/** A worker that says it is ready sooner than this is asked once more. */
const retryMsMax = 5_000
/** Workers tried for one request. */
const triesMax = 3

/** Asks workers for answers under vouchers of one payer, and holds what comes against what was asked. */
export class WorkerAsker {
  readonly #options: AskOptions
  readonly #parts: AskParts

  constructor(options: AskOptions, parts: AskParts) {
    this.#options = options
    this.#parts = parts
  }

  /**
   * The answer of the best worker, or of any that was never found wrong; another one is tried where it refuses before its first token.
   * Throws {@link ProxyError}, and what the RPC throws.
   */
  async *ask(
    model: ServedModel,
    chat: ChatRequest,
    signal: AbortSignal,
    whom: 'best' | 'any' = 'best',
  ): AsyncGenerator<AskEvent> {
    const { workers, book, nowMs } = this.#parts
    const { proofClass } = this.#options
    const { modelVersion } = model
    const best = workers.serving({ modelVersion, proofClass }, (worker) => book.history(worker), nowMs())
    const any = () => shuffled(best.filter(({ worker }) => book.history(worker).wrong === 0))
    const candidates = (whom === 'best' ? best : any()).slice(0, triesMax)
    let last: ProxyError | undefined
    for (const { worker, capability } of candidates) {
      const asked = await this.#askedOf(worker, capability, model, chat, signal)
      if (asked === undefined) {
        last = new ProxyError('worker_failed', `worker ${worker} is not connected`)
        continue
      }
      let refusal = yield* this.#askOne(worker, asked, model, signal)
      if (refusal !== undefined && refusal.retryAfterMs > 0 && refusal.retryAfterMs <= retryMsMax) {
        await sleep(refusal.retryAfterMs, undefined, { signal })
        refusal = yield* this.#askOne(worker, asked, model, signal)
      }
      if (refusal === undefined) return
      last = new ProxyError('worker_failed', `worker ${worker} refuses: ${refusal.detail} (${refusal.code})`)
    }
    throw (
      last ??
      new ProxyError('no_worker', `no worker is known that serves model ${model.names[0]} in class ${proofClass}`)
    )
  }

  /** Undefined where no host of the worker is connected. */
  async #askedOf(
    worker: Hex,
    capability: KnownWorker['capability'],
    model: ServedModel,
    chat: ChatRequest,
    signal: AbortSignal,
  ): Promise<Asked | undefined> {
    const sealed = this.#options.isPrivate === true ? sealFor(capability, chat.stops) : undefined
    const hosts = this.#parts.network.hostsOf(worker)
    const host = hosts.find((each) => sealed === undefined || each === sealed.host)
    return host === undefined ? undefined : { host, ...(await this.#jobFor(worker, model, chat, sealed, signal)) }
  }

  /** Undefined where it answered. A request whose answer broke off is asked for once more: it is answered and paid once. */
  async *#askOne(
    worker: Hex,
    asked: Asked,
    model: ServedModel,
    signal: AbortSignal,
  ): AsyncGenerator<AskEvent, Refusal | undefined> {
    const { book } = this.#parts
    const heard = new HeardAnswer(model.tokenizer)
    for (let isAgain = false; ; isAgain = true) {
      try {
        return yield* this.#hear(worker, asked, heard, signal)
      } catch (error) {
        const isLost = !(error instanceof ProxyError) && !signal.aborted
        if (isLost && heard.hasBegun && !isAgain) continue
        book.count(worker, 'failed')
        if (!isLost) throw error
        if (!heard.hasBegun) return { code: 'internal', retryAfterMs: 0, detail: errorMessage(error) }
        throw new ProxyError('worker_failed', `worker ${worker} failed: ${errorMessage(error)}`, { cause: error })
      }
    }
  }

  /** What the worker says from the first token on, of which only what is new is told. */
  async *#hear(
    worker: Hex,
    asked: Asked,
    heard: HeardAnswer,
    signal: AbortSignal,
  ): AsyncGenerator<AskEvent, Refusal | undefined> {
    const { book, network, equivocations } = this.#parts
    const { host, job, sealed } = asked
    const call = await network.ask(host, job, signal)
    for await (const event of call.events(signal)) {
      if (event.kind === 'tokens') {
        const { first, tokens } = event
        const text = heard.take(first, sealed?.seal.unseal('output', first, tokens) ?? tokens)
        if (text !== '') yield { kind: 'text', text }
      } else if (event.kind === 'refused') {
        if (heard.hasBegun) throw new ProxyError('worker_failed', `worker ${worker} broke off: ${event.refusal.detail}`)
        // The promise stays counted: the voucher is the worker's, who can answer and settle until its deadline.
        book.count(worker, 'failed')
        return event.refusal
      } else if (event.kind === 'answer') {
        await equivocations.see(worker, event.answer, signal)
        if (!heard.isOne)
          throw new ProxyError('worker_failed', `worker ${worker} gives another answer when asked again`)
      } else if (event.kind === 'receipt') {
        yield this.#settled(worker, event.receipt.value, asked, heard)
      }
    }
    return undefined
  }

  #settled(worker: Hex, receipt: InferenceReceipt, { job, priced, eos, name }: Asked, heard: HeardAnswer): AskEvent {
    const { book, log, agent } = this.#parts
    const fee = feeOf(receipt.tin, receipt.tout, priced.price, priced.shares)
    if (receipt.fee !== fee) {
      throw new ProxyError('worker_failed', `worker ${worker} charges ${receipt.fee} wei, the price is ${fee}`)
    }
    const unspent = job.request.maxFee - fee
    this.#giveBack(unspent)
    book.count(worker, 'answered')
    agent?.record(name, job.request, receipt)
    log.info('answered', { worker, requestId: receipt.requestId, tokens: receipt.tout, fee, unspent })
    const isWhole = heard.last === eos || receipt.tout < job.request.sampling.maxTokens
    return { kind: 'done', receipt, reason: isWhole ? 'stop' : 'length', unspent, job }
  }

  async #jobFor(
    worker: Hex,
    model: ServedModel,
    chat: ChatRequest,
    sealed: PrivateJob | undefined,
    signal: AbortSignal,
  ): Promise<Omit<Asked, 'host'>> {
    const { chainId, payer, privateKey, proofClass, answerSeconds } = this.#options
    const { book, rpc, agent, nowMs } = this.#parts
    const now = seconds(nowMs())
    const deadline = BigInt(now + answerSeconds)
    const priced = await lastPrice(rpc, model.modelVersion, proofClass, deadline)
    if (priced === undefined) {
      throw new ProxyError('model_not_found', `model ${model.names[0]} has no price in class ${proofClass} that lasts`)
    }
    const { template, hash } = templateOf(model, chat.isChat)
    const plain = tokensOf(model, template, chat)
    const tokens = sealed?.seal.seal('prompt', 0, plain) ?? plain
    const room = model.config.context - tokens.length
    if (room < 1) {
      throw new ProxyError(
        'invalid_request_error',
        `${tokens.length} prompt tokens leave no room in a context of ${model.config.context}`,
      )
    }
    const maxTokens = Math.min(chat.maxTokens ?? defaultTokens, room)
    const maxFee = feeOf(tokens.length, maxTokens, priced.price, priced.shares)
    const request: InferenceRequest = {
      ...{ chainId, payer, nonce: bytesToBigint(randomBytes(8)), modelVersion: model.modelVersion },
      adapters: chat.adapters,
      ...{ templateHash: sealed?.templateHash ?? hash, promptRoot: bytesToHex(tokenListRoot(tokens)) },
      sampling: {
        tempQ16: chat.tempQ16,
        topK: chat.topK,
        topPQ16: chat.topPQ16,
        maxTokens,
        stopHash: stopHash(chat.stops),
      },
      ...{
        class: proofClass,
        priceVersion: priced.priceVersion,
        maxFee,
        appCode: this.#options.appCode ?? zeroHash,
        deadline,
      },
    }
    await agent?.requireAllowed(request)
    const channel = channelOf(payer, worker)
    const spent = await this.#fund(worker, channel, maxFee, signal)
    const countedAt = agent === undefined ? now : Number(deadline)
    const cumulativeCap = book.promise(channel, maxFee, spent, countedAt)
    if (cumulativeCap === undefined) {
      throw new ProxyError(
        'insufficient_quota',
        `${agent === undefined ? '' : 'AboveDailyLimit: '}the answer may cost ${maxFee} wei and ${book.leftToday(countedAt)} are left of today's cap`,
      )
    }
    const value = { channel, requestId: requestIdOf(request), worker, maxFee, cumulativeCap, deadline }
    const signature = signCompact(moneyDigest(chainId, voucherStructHash(value)), privateKey)
    return {
      job: { request, voucher: { value, signature }, tokens, stops: chat.stops },
      ...{ priced, sealed },
      eos: model.config.eos,
      name: model.names[0] ?? '',
    }
  }

  /** Sees that the channel holds a greatest fee; wei that were ever debited of it. */
  async #fund(worker: Hex, channel: Hex, maxFee: bigint, signal: AbortSignal): Promise<bigint> {
    const { rpc, sender, agent, log } = this.#parts
    const { deposit } = this.#options
    const call = { contract: 'InferenceMarket', functionName: 'channels', args: [channel] } as const
    const { balance, spent } = (await callContract(rpc, call)) as { readonly balance: bigint; readonly spent: bigint }
    if (balance >= maxFee) return spent
    if (deposit < maxFee) {
      throw new ProxyError(
        'insufficient_quota',
        `the channel with worker ${worker} holds ${balance} wei, the answer may cost ${maxFee}: openledger infer deposit`,
      )
    }
    log.info('depositing', { worker, wei: deposit })
    const own = { contract: 'InferenceMarket', functionName: 'deposit', args: [worker], value: deposit } as const
    await sender.send(agent?.fundCall(worker, deposit) ?? own, signal)
    return spent
  }

  /** What a promise did not cost counts for the day no more; limits of agents count promises. */
  #giveBack(wei: bigint): void {
    const { book, agent, nowMs } = this.#parts
    if (agent === undefined) book.settle(wei, seconds(nowMs()))
  }
}

function tokensOf(model: ServedModel, template: Parameters<typeof inputTokens>[0], chat: ChatRequest): Uint32Array {
  try {
    return Uint32Array.from(inputTokens(template, model.tokenizer, model.config.bos, chat.messages))
  } catch (error) {
    if (error instanceof InferenceError) throw new ProxyError('invalid_request_error', error.message)
    throw error
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  const left = [...items]
  return items.flatMap(() => left.splice(randomInt(left.length), 1))
}

const seconds = (ms: number): number => Math.floor(ms / 1_000)
