import type { Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import { CodedError } from '../../common/errors.ts'
import { RpcError } from '../../common/json-rpc.ts'
import type { Log } from '../../common/log.ts'
import { Serial } from '../../common/serial.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, parseQuantity, uintBytes } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { decodeTransaction } from '../../protocol/transaction.ts'
import type { MarketFees } from '../tx/fee-market.ts'
import type { Kzg } from '../tx/kzg.ts'
import { classifyRefusal } from '../tx/send-error.ts'
import type { TxCandidate } from '../tx/tx-candidate.ts'
import { TxJournal } from '../tx/tx-journal.ts'
import { TxError, TxManager, type TxReceipt } from '../tx/tx-manager.ts'
import { CallReverted, callContract } from './l2-calls.ts'
import type { L2Rpc } from './l2-rpc.ts'
import { encodeCall, type MoneyCall } from './money-contracts.ts'

/**
 * `reverted`: a contract refuses it now, `cause` says why; nothing was sent. `failed`: it was mined and reverted, the gas is gone.
 * `insufficient-funds`: fund the account. `not-sent`: the L2 does not take it, or another program signs with the same key.
 * `aborted`: the caller's signal; it may still be mined.
 */
export class SendError extends CodedError<'reverted' | 'failed' | 'insufficient-funds' | 'not-sent' | 'aborted'> {}

export type Sent = { readonly txHash: Hex; readonly block: bigint }

export type SenderOptions = {
  /** Of the role, for logs and metrics. */
  readonly name: string
  readonly privateKey: Hex
  readonly chainId: bigint
  /** Directory of what is on its way. */
  readonly journalDir: string
}

type Parts = {
  readonly rpc: L2Rpc
  readonly kzg: Kzg
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

/** The L2's sequencer orders by tip; a thousandth of a gwei is what its users give. */
const feeFloors: MarketFees = { tip: 1_000_000n, baseFee: 1n, blobBaseFee: 1n }
/** Transactions under way at once; pools limit what one account may have pending. */
const inFlightMax = 16
/** L2 blocks come every second or two. */
const pace = { confirmations: 1, resubmissionTimeoutMs: 20_000, receiptPollMs: 500 } as const

/**
 * Sends one role's transactions on the L2, in the order of the calls. Each is tried by `eth_call` first, and what was on its way
 * when the node ended is seen through before anything new is: so nothing takes effect twice.
 */
export class Sender {
  readonly address: Hex
  readonly #rpc: L2Rpc
  readonly #journal: TxJournal
  readonly #txs: TxManager
  readonly #log: Log
  readonly #resuming = new Serial()
  readonly #lanes = Array.from({ length: inFlightMax }, () => new Serial())
  #next = 0
  #isResumed = false

  private constructor(journal: TxJournal, txs: TxManager, { rpc, log }: Parts) {
    this.#journal = journal
    this.#txs = txs
    this.#rpc = rpc
    this.#log = log
    this.address = txs.address
  }

  /** Sends nothing yet. Throws JournalError. */
  static async open({ journalDir, ...account }: SenderOptions, parts: Parts): Promise<Sender> {
    const journal = await TxJournal.open(journalDir)
    const options = { ...pace, ...account, chain: 'L2' as const, feeFloors }
    return new Sender(journal, new TxManager(options, { ...parts, journal }), parts)
  }

  /** Resolves when the call's transaction is mined and did what it should. Throws {@link SendError}, and what the RPC throws. */
  send(call: MoneyCall, signal: AbortSignal): Promise<Sent> {
    const lane = this.#lanes[this.#next++ % this.#lanes.length] ?? this.#resuming
    return lane.run(async () => {
      await this.#resuming.run(() => this.#resume(signal))
      await this.#try(call)
      const { to, data } = encodeCall(call)
      return await this.#submit(candidateOf(to, hexToBytes(data), call.value ?? 0n), signal)
    })
  }

  /** wei on the latest block. */
  async balance(): Promise<bigint> {
    return parseQuantity(await this.#rpc.request('eth_getBalance', [this.address, 'latest']), 'balance')
  }

  /** What the call would return now. Throws {@link SendError} `reverted`. */
  async #try(call: MoneyCall): Promise<void> {
    try {
      await callContract(this.#rpc, call, this.address)
    } catch (cause) {
      if (cause instanceof CallReverted) throw new SendError('reverted', cause.message, { cause })
      if (!(cause instanceof RpcError) || classifyRefusal(cause.message) !== 'insufficient-funds') throw cause
      const needed = `${call.functionName} with ${call.value ?? 0n} wei`
      throw new SendError(
        'insufficient-funds',
        `${this.address} holds ${await this.balance()} wei, too little for ${needed}`,
        { cause },
      )
    }
  }

  /** Sees what an earlier run left on its way mined, or replaced by what has its nonce. */
  async #resume(signal: AbortSignal): Promise<void> {
    if (this.#isResumed) return
    await this.#txs.start()
    for (const entry of this.#journal.entries()) {
      const tx = decodeTransaction(await this.#journal.raw(entry))
      if (!('to' in tx) || tx.to === null || tx.to === undefined) continue
      this.#log.info('a transaction from before the restart is on its way', { key: entry.key, nonce: entry.nonce })
      const candidate = { key: entry.key, to: bytesToHex(tx.to), data: tx.data, value: tx.value, gasLimit: tx.gasLimit }
      await this.#submit(candidate, signal).catch((error: unknown) => {
        // Whether it did what it should is for the role to see on chain.
        if (!(error instanceof SendError) || error.code !== 'failed') throw error
      })
    }
    this.#isResumed = true
  }

  async #submit(candidate: TxCandidate, signal: AbortSignal): Promise<Sent> {
    let receipt: TxReceipt
    try {
      receipt = await this.#txs.submit(candidate, signal)
    } catch (error) {
      throw error instanceof TxError ? sendError(error) : error
    }
    await this.#txs.forget(candidate.key)
    if (!receipt.succeeded) throw new SendError('failed', `the transaction ${receipt.hash} was mined and reverted`)
    return { txHash: receipt.hash, block: receipt.blockNumber }
  }
}

/** The same call has one key, so that it is not under way twice. */
function candidateOf(to: Hex, data: Uint8Array, value: bigint): TxCandidate {
  return { key: keccakHex(concatBytes(hexToBytes(to), uintBytes(value, 32), data)), to, data, value }
}

function sendError(cause: TxError): SendError {
  const code = cause.code === 'rejected' || cause.code === 'nonce' ? 'not-sent' : cause.code
  return new SendError(code, cause.message, { cause })
}
