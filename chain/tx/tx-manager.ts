import type { Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import { CodedError, errorMessage } from '../../common/errors.ts'
import { RpcError, TransportError } from '../../common/json-rpc.ts'
import type { Log } from '../../common/log.ts'
import { counter, gauge } from '../../common/metrics.ts'
import { blobBytes } from '../../protocol/blob-codec.ts'
import { bytesToHex, emptyBytes, fixedHex, type Hex, parseQuantity, quantity } from '../../protocol/bytes.ts'
import { type FeeRpc, type MarketFees, marketFloors, readMarketFees } from './fee-market.ts'
import type { Kzg } from './kzg.ts'
import { classifyRefusal, type SendRefusal } from './send-error.ts'
import type { GasCandidate, TxCandidate } from './tx-candidate.ts'
import { bumpedFees, firstFees, type TxFees, type TxKind } from './tx-fees.ts'
import { txGas } from './tx-gas.ts'
import { type JournalEntry, lastAttempt, type TxJournal } from './tx-journal.ts'
import { TxSigner } from './tx-signer.ts'

/** Polls that must see the nonce used and no receipt before a transaction counts as lost: receipts may lag; op-node's count. */
export const lostPolls = 3
/** Times one candidate may lose its nonce to a stranger with the same key before the owner hears of it. */
export const lostNoncesMax = 5
/** Times a transaction that blocks the account in the other pool is outbid. */
export const cancelAttemptsMax = 6
/** A contract call gets a quarter more gas than estimated: the state may move until it is mined. */
const estimateMargin = { numerator: 5n, denominator: 4n } as const

export type TxManagerOptions = {
  /** For logs and metrics: `batcher`, `proposer`. */
  readonly name: string
  readonly privateKey: Hex
  readonly chainId: bigint
  /** Blocks a transaction must have, its own included. */
  readonly confirmations: number
  /** Outbid a transaction that is not mined after this time. */
  readonly resubmissionTimeoutMs: number
  readonly receiptPollMs: number
  /** Where it sends, for messages and metrics; absent: L1. */
  readonly chain?: 'L1' | 'L2'
  /** Fees it never goes below; absent: those of a public L1. */
  readonly feeFloors?: MarketFees
}

/** op-node's defaults for a public L1. */
export const txManagerDefaults = { confirmations: 10, resubmissionTimeoutMs: 48_000, receiptPollMs: 12_000 } as const

export type TxReceipt = {
  readonly hash: Hex
  readonly blockHash: Hex
  readonly blockNumber: bigint
  readonly succeeded: boolean
}

/**
 * `insufficient-funds`: fund the account; submit again. `rejected`: L1 will not take it as it is. `nonce`: someone else
 * signs with the same key. `aborted`: the caller's signal; the transaction may still be mined.
 */
export class TxError extends CodedError<'insufficient-funds' | 'rejected' | 'nonce' | 'aborted'> {}

/**
 * Sends transactions of one account and sees them mined: nonces, fees, replacement, blobs. What it sends it journals
 * first, so that after a kill the same key never goes out under a second nonce while the first can still be mined.
 */
export class TxManager {
  readonly address: Hex
  readonly #options: TxManagerOptions
  readonly #parts: {
    readonly rpc: FeeRpc
    readonly kzg: Kzg
    readonly journal: TxJournal
    readonly clock: Clock
    readonly log: Log
    readonly registry: Registry
  }
  /** Nonces are given out, and first attempts sent, one after another. */
  #turn: Promise<unknown> = Promise.resolve()
  readonly #submitting = new Map<string, Promise<TxReceipt>>()
  readonly #signer: TxSigner
  readonly #chain: 'L1' | 'L2'

  constructor(
    options: TxManagerOptions,
    parts: {
      readonly rpc: FeeRpc
      readonly kzg: Kzg
      readonly journal: TxJournal
      readonly clock: Clock
      readonly log: Log
      readonly registry: Registry
    },
  ) {
    this.#options = options
    this.#parts = { ...parts, log: parts.log.with({ account: options.name }) }
    this.#signer = new TxSigner(options, parts)
    this.#chain = options.chain ?? 'L1'
    this.address = this.#signer.address
  }

  /** Sends again what the journal holds and L1 has not mined, byte for byte. */
  async start(): Promise<void> {
    for (const entry of this.#parts.journal.entries()) {
      if ((await this.#receipt(entry)) !== undefined) continue
      this.#parts.log.info('transaction from before the restart is sent again', this.#fields(entry))
      await this.#send(await this.#parts.journal.raw(entry))
    }
    await this.#readBalance()
  }

  /** Resolves when the candidate is mined with enough confirmations, successful or not. Throws {@link TxError}, and what the RPC throws. */
  submit(candidate: TxCandidate, signal: AbortSignal): Promise<TxReceipt> {
    const running = this.#submitting.get(candidate.key)
    if (running !== undefined) return running
    const submission = this.#submit(candidate, signal).finally(() => {
      this.#submitting.delete(candidate.key)
      this.#signer.forget(candidate.key)
    })
    this.#submitting.set(candidate.key, submission)
    return submission
  }

  /** Where the transaction of that key is on the canonical L1 chain; undefined: nowhere, or not known here. */
  async inclusion(key: string): Promise<bigint | undefined> {
    const entry = this.#parts.journal.byKey(key)
    return entry === undefined ? undefined : (await this.#receipt(entry))?.blockNumber
  }

  /** True where something was signed under that key. */
  knows(key: string): boolean {
    return this.#parts.journal.byKey(key) !== undefined
  }

  /** Keys in the journal, in the order of their nonces. */
  keys(): readonly string[] {
    return this.#parts.journal.entries().map((entry) => entry.key)
  }

  /** Drops what is known of a key that the owner has no more use for. */
  async forget(key: string): Promise<void> {
    await this.#parts.journal.remove(key)
  }

  /** Transactions of the account that L1 has mined, and with those in its pool. */
  async nonces(): Promise<{ readonly mined: bigint; readonly pending: bigint }> {
    const [mined, pending] = await Promise.all([this.#count('latest'), this.#count('pending')])
    return { mined, pending: pending > mined ? pending : mined }
  }

  /**
   * The L1 block that holds the account's last mined transaction, found by its nonce in the last `depth` blocks. An older
   * one is reported at the edge; undefined: the account never sent any.
   */
  async lastMinedBlock(depth: bigint): Promise<bigint | undefined> {
    const head = parseQuantity(await this.#parts.rpc.request('eth_blockNumber', []), 'block number')
    const mined = await this.#countAt(head)
    if (mined === 0n) return undefined
    let [below, at] = [head > depth ? head - depth : 0n, head]
    while (below < at) {
      const middle = (below + at) / 2n
      if ((await this.#countAt(middle)) === mined) at = middle
      else below = middle + 1n
    }
    return at
  }

  async #submit(candidate: TxCandidate, signal: AbortSignal): Promise<TxReceipt> {
    for (let lost = 0; lost <= lostNoncesMax; lost++) {
      const known = this.#parts.journal.byKey(candidate.key)
      const entry = known ?? (await this.#inTurn(() => this.#prepare(candidate, signal)))
      const receipt = await this.#untilMined(entry.key, candidate, signal)
      if (receipt !== undefined) return receipt
      this.#parts.log.warn('nonce was used by another transaction', this.#fields(entry))
      await this.#parts.journal.remove(candidate.key)
    }
    throw new TxError('nonce', `${this.address} is used by another program: its nonces are taken again and again`)
  }

  /** Gives a nonce, signs, journals and sends for the first time. */
  async #prepare(candidate: TxCandidate, signal: AbortSignal): Promise<JournalEntry> {
    const kind: TxKind = candidate.blobs === undefined ? 'call' : 'blob'
    await this.#untilOtherKindMined(kind, signal)
    const market = await this.#market()
    const gasLimit = candidate.gasLimit ?? (await this.#estimateGas(candidate))
    const nonce = await this.#nextNonce()
    const entry = await this.#sign({ ...candidate, gasLimit }, nonce, kind, firstFees(market, kind), [])
    await this.#publish(entry, candidate)
    return this.#parts.journal.byKey(candidate.key) ?? entry
  }

  /** Sees the journalled transaction mined and confirmed. Undefined: its nonce went to a transaction not of this journal. */
  async #untilMined(key: string, candidate: TxCandidate, signal: AbortSignal): Promise<TxReceipt | undefined> {
    const { clock, journal, log } = this.#parts
    let attemptedAtMs = clock.nowMs()
    let usedPolls = 0
    while (true) {
      if (signal.aborted) throw new TxError('aborted', 'stopped before the transaction was mined')
      const entry = journal.byKey(key)
      if (entry === undefined) return undefined
      try {
        const receipt = await this.#receipt(entry)
        if (receipt !== undefined && (await this.#isConfirmed(receipt))) return this.#mined(entry, receipt)
        if (receipt === undefined) {
          const used = await this.#count('latest')
          usedPolls = used > entry.nonce ? usedPolls + 1 : 0
          if (used < entry.nonce) await this.#inTurn(() => this.#unblock(used, entry.nonce))
          if (usedPolls >= lostPolls) return undefined
          if (clock.nowMs() - attemptedAtMs >= this.#options.resubmissionTimeoutMs) {
            attemptedAtMs = clock.nowMs()
            await this.#outbid(entry, candidate)
          } else if (usedPolls === 0 && !(await this.#isInPool(entry))) {
            await this.#publish(entry, candidate)
          }
        }
      } catch (error) {
        if (!isOfTheWire(error)) throw error
        log.warn('transaction not checked', { ...this.#fields(entry), error: errorMessage(error) })
      }
      await clock.sleep(this.#options.receiptPollMs, signal)
    }
  }

  /** Replaces the last attempt by one with higher fees, within the limits. */
  async #outbid(entry: JournalEntry, candidate: TxCandidate): Promise<void> {
    const market = await this.#market()
    const fees = bumpedFees(lastAttempt(entry).fees, market, entry.kind)
    if (fees === undefined) {
      this.#parts.log.warn('transaction is not mined and its fees are at their limit', this.#fields(entry))
      return this.#publish(entry, candidate)
    }
    const gasLimit = candidate.gasLimit ?? (await this.#estimateGas(candidate))
    const outbid = await this.#sign({ ...candidate, gasLimit }, entry.nonce, entry.kind, fees, entry.attempts)
    bumps(this.#parts.registry, this.#chain).inc({ account: this.#options.name })
    this.#parts.log.info('transaction outbids its last attempt', this.#fields(outbid))
    await this.#publish(outbid, candidate)
  }

  async #sign(
    candidate: GasCandidate,
    nonce: bigint,
    kind: TxKind,
    fees: TxFees,
    earlier: JournalEntry['attempts'],
  ): Promise<JournalEntry> {
    const { raw, hash } = await this.#signer.sign(candidate, nonce, fees)
    const entry: JournalEntry = { key: candidate.key, nonce, kind, attempts: [...earlier, { hash, fees }] }
    await this.#parts.journal.save(entry, raw)
    return entry
  }

  /** Sends the last attempt and mends what the refusal says, where it can be mended. Throws {@link TxError}. */
  async #publish(entry: JournalEntry, candidate: TxCandidate): Promise<void> {
    const refusal = await this.#send(await this.#parts.journal.raw(entry))
    if (refusal === undefined) {
      sent(this.#parts.registry, this.#chain).inc({ account: this.#options.name })
      this.#parts.log.debug('transaction sent', this.#fields(entry))
      return
    }
    switch (refusal.kind) {
      case 'known':
      case 'nonce-used':
        return
      case 'underpriced':
        this.#parts.log.info('transaction is underpriced', { ...this.#fields(entry), error: refusal.message })
        return
      case 'reserved':
        return this.#cancelBlocking(entry)
      case 'sidecar-version':
        return this.#switchSidecar(entry, candidate, refusal.message)
      case 'insufficient-funds':
        throw new TxError('insufficient-funds', await this.#fundsMessage(refusal.message))
      case 'other':
        throw new TxError('rejected', `${this.#chain} refuses the transaction: ${refusal.message}`)
    }
  }

  /** Undefined: taken. */
  async #send(raw: Uint8Array): Promise<{ readonly kind: SendRefusal; readonly message: string } | undefined> {
    try {
      await this.#parts.rpc.request('eth_sendRawTransaction', [bytesToHex(raw)])
      return undefined
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      return { kind: classifyRefusal(error.message), message: error.message }
    }
  }

  /** Before Fusaka a pool wants a proof a blob, from then on proofs of cells; the transaction's hash covers neither. */
  async #switchSidecar(entry: JournalEntry, candidate: TxCandidate, message: string): Promise<void> {
    if (candidate.blobs === undefined)
      throw new TxError('rejected', `${this.#chain} refuses the transaction: ${message}`)
    const version = this.#signer.changeSidecarVersion(entry.key)
    this.#parts.log.info('blob proofs change their version', { version, error: message })
    const gasLimit = candidate.gasLimit ?? txGas
    const { raw, hash } = await this.#signer.sign({ ...candidate, gasLimit }, entry.nonce, lastAttempt(entry).fees)
    if (hash !== lastAttempt(entry).hash)
      throw new TxError('rejected', `${this.#chain} refuses the blob proofs: ${message}`)
    await this.#parts.journal.save(entry, raw)
    const refusal = await this.#send(raw)
    if (refusal !== undefined && refusal.kind !== 'known') {
      throw new TxError('rejected', `${this.#chain} refuses the blob proofs of both versions: ${refusal.message}`)
    }
  }

  /**
   * geth keeps blob transactions in a pool of their own and lets an account be in one pool only. What blocks us is not
   * of this journal (its kinds never mix): outbid it by an empty transaction of its own kind, then go on.
   */
  async #cancelBlocking(entry: JournalEntry): Promise<void> {
    const kind: TxKind = entry.kind === 'blob' ? 'call' : 'blob'
    const nonce = await this.#count('latest')
    const market = await this.#market()
    let fees: TxFees | undefined = firstFees(market, kind)
    for (let attempt = 0; attempt < cancelAttemptsMax && fees !== undefined; attempt++) {
      const { raw, hash } = await this.#signer.sign(this.#emptyCandidate(kind), nonce, fees)
      this.#parts.log.warn('a transaction of another kind blocks the account and is cancelled', { nonce, kind, hash })
      const refusal = await this.#send(raw)
      if (refusal?.kind !== 'underpriced') return
      fees = bumpedFees(fees, market, 'blob')
    }
  }

  #emptyCandidate(kind: TxKind): GasCandidate {
    const empty = { key: `cancel ${kind}`, to: this.address, data: emptyBytes, gasLimit: txGas }
    return kind === 'blob' ? { ...empty, blobs: [new Uint8Array(blobBytes)] } : empty
  }

  /** The nonce after all that is mined, in the pool or in the journal. */
  async #nextNonce(): Promise<bigint> {
    const { mined, pending } = await this.nonces()
    const live = this.#parts.journal.entries().filter((entry) => entry.nonce >= mined)
    const next = live.reduce((nonce, entry) => (entry.nonce >= nonce ? entry.nonce + 1n : nonce), pending)
    await this.#fillGaps(live, pending, next)
    return next
  }

  /**
   * After a reorg of L1 earlier transactions may be neither mined nor in the pool: those of the journal are sent again,
   * byte for byte, and a nonce whose transaction was forgotten long since is filled.
   */
  async #unblock(used: bigint, until: bigint): Promise<void> {
    const earlier = this.#parts.journal.entries().filter(({ nonce }) => nonce >= used && nonce < until)
    for (const entry of earlier) {
      if (await this.#isInPool(entry)) continue
      this.#parts.log.info('transaction that was lost is sent again', this.#fields(entry))
      await this.#send(await this.#parts.journal.raw(entry))
    }
    if (!earlier.some(({ nonce }) => nonce === used)) await this.#nextNonce()
  }

  /** A nonce that nobody holds would keep all later ones from being mined: use it for nothing. */
  async #fillGaps(live: readonly JournalEntry[], from: bigint, to: bigint): Promise<void> {
    for (let nonce = from; nonce < to; nonce++) {
      if (live.some((entry) => entry.nonce === nonce)) continue
      const fees = firstFees(await this.#market(), 'call')
      const { raw, hash } = await this.#signer.sign(this.#emptyCandidate('call'), nonce, fees)
      this.#parts.log.warn('a gap in the nonces is filled', { nonce, hash })
      await this.#send(raw)
    }
  }

  /** See {@link #cancelBlocking}: waits, for a while, until what was sent as the other kind is mined. */
  async #untilOtherKindMined(kind: TxKind, signal: AbortSignal): Promise<void> {
    const { clock, journal } = this.#parts
    const untilMs = clock.nowMs() + 2 * this.#options.resubmissionTimeoutMs
    while (clock.nowMs() < untilMs) {
      if (signal.aborted) throw new TxError('aborted', 'stopped before the transaction was sent')
      const others = journal.entries().filter((entry) => entry.kind !== kind)
      if (others.length === 0) return
      const mined = await this.#count('latest')
      if (others.every((entry) => entry.nonce < mined)) return
      await clock.sleep(this.#options.receiptPollMs, signal)
    }
  }

  async #receipt(entry: JournalEntry): Promise<TxReceipt | undefined> {
    for (const { hash } of entry.attempts.toReversed()) {
      const receipt = parseReceipt(await this.#parts.rpc.request('eth_getTransactionReceipt', [hash]))
      if (receipt !== undefined) return receipt
    }
    return undefined
  }

  async #isConfirmed(receipt: TxReceipt): Promise<boolean> {
    if (this.#options.confirmations <= 1) return true
    const head = parseQuantity(await this.#parts.rpc.request('eth_blockNumber', []), 'block number')
    return head + 1n >= receipt.blockNumber + BigInt(this.#options.confirmations)
  }

  async #isInPool(entry: JournalEntry): Promise<boolean> {
    const found = await this.#parts.rpc.request('eth_getTransactionByHash', [lastAttempt(entry).hash])
    return found !== null && found !== undefined
  }

  async #mined(entry: JournalEntry, receipt: TxReceipt): Promise<TxReceipt> {
    confirmed(this.#parts.registry, this.#chain).inc({ account: this.#options.name })
    this.#parts.log.debug('transaction mined', { ...this.#fields(entry), block: receipt.blockNumber })
    await this.#readBalance()
    return receipt
  }

  async #count(block: 'latest' | 'pending'): Promise<bigint> {
    return parseQuantity(await this.#parts.rpc.request('eth_getTransactionCount', [this.address, block]), 'nonce')
  }

  async #countAt(block: bigint): Promise<bigint> {
    const params = [this.address, quantity(block)]
    return parseQuantity(await this.#parts.rpc.request('eth_getTransactionCount', params), 'nonce')
  }

  async #estimateGas(candidate: TxCandidate): Promise<bigint> {
    const call = {
      from: this.address,
      to: candidate.to,
      value: quantity(candidate.value ?? 0n),
      data: bytesToHex(candidate.data),
    }
    try {
      const gas = parseQuantity(await this.#parts.rpc.request('eth_estimateGas', [call]), 'gas')
      return (gas * estimateMargin.numerator) / estimateMargin.denominator
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      throw new TxError('rejected', `the call would fail: ${error.message}`, { cause: error })
    }
  }

  async #fundsMessage(refusal: string): Promise<string> {
    const wei = await this.#readBalance()
    return `the ${this.#options.name} account ${this.address} holds ${wei} wei on ${this.#chain}, not enough: ${refusal}`
  }

  async #readBalance(): Promise<bigint> {
    const wei = parseQuantity(await this.#parts.rpc.request('eth_getBalance', [this.address, 'latest']), 'balance')
    balance(this.#parts.registry, this.#chain).set({ account: this.#options.name }, Number(wei) / 1e18)
    return wei
  }

  #market(): Promise<MarketFees> {
    return readMarketFees(this.#parts.rpc, this.#options.feeFloors ?? marketFloors)
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action)
    this.#turn = result.catch(() => {})
    return result
  }

  #fields(entry: JournalEntry): Record<string, unknown> {
    return { key: entry.key, nonce: entry.nonce, hash: lastAttempt(entry).hash, attempts: entry.attempts.length }
  }
}

function parseReceipt(json: unknown): TxReceipt | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const field = (name: string): unknown => Reflect.get(json, name)
  // Some servers show a pending transaction as a receipt without a block.
  if (field('blockNumber') === null || field('blockNumber') === undefined) return undefined
  return {
    hash: fixedHex(field('transactionHash'), 32, 'transaction hash'),
    blockHash: fixedHex(field('blockHash'), 32, 'block hash'),
    blockNumber: parseQuantity(field('blockNumber'), 'block number'),
    succeeded: field('status') === '0x1',
  }
}

function isOfTheWire(error: unknown): boolean {
  if (error instanceof RpcError || error instanceof TransportError) return true
  // What a port over several endpoints throws.
  return error instanceof CodedError && (error.code === 'unavailable' || error.code === 'invalid')
}

const named = (chain: 'L1' | 'L2', name: string) => `${chain.toLowerCase()}_${name}`
const sent = (registry: Registry, chain: 'L1' | 'L2') =>
  counter(registry, named(chain, 'tx_sent_total'), 'transactions handed out, replacements included', ['account'])
const confirmed = (registry: Registry, chain: 'L1' | 'L2') =>
  counter(registry, named(chain, 'tx_confirmed_total'), 'transactions mined and confirmed', ['account'])
const bumps = (registry: Registry, chain: 'L1' | 'L2') =>
  counter(registry, named(chain, 'tx_bumps_total'), 'transactions replaced by one with higher fees', ['account'])
const balance = (registry: Registry, chain: 'L1' | 'L2') =>
  gauge(registry, named(chain, 'account_balance_ether'), 'what the account holds, in 10^18 wei', ['account'])
