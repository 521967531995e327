import type { Clock } from '../../common/clock.ts'
import { CodedError } from '../../common/errors.ts'
import type { RpcClient } from '../../common/json-rpc.ts'
import { bytesToHex, type Hex, hexToBytes, parseQuantity, quantity } from '../../protocol/bytes.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { encodeTransaction, type FeeMarketTx, signTransaction } from '../../protocol/transaction.ts'

export type Call = { readonly to: Hex; readonly data: Uint8Array; readonly value?: bigint }

/** Transactions of one account under way at once; pools limit what a sender may have pending. */
const inFlightMax = 64
const receiptPollMs = 250
/** Time a transaction may take to be mined. */
const receiptMsMax = 120_000
const priorityFee = 1_000_000n

export class SeedError extends CodedError<'transaction-failed' | 'transaction-lost' | 'refused'> {}

/** An account of the dev chain that signs here and sends over JSON-RPC. */
export class Account {
  readonly address: Hex
  readonly #key: Uint8Array
  readonly #chainId: bigint
  readonly #parts: { readonly rpc: RpcClient; readonly clock: Clock; readonly signal: AbortSignal }

  constructor(
    options: { readonly privateKey: Hex; readonly chainId: bigint },
    parts: { readonly rpc: RpcClient; readonly clock: Clock; readonly signal: AbortSignal },
  ) {
    this.#key = hexToBytes(options.privateKey)
    this.address = bytesToHex(privateKeyAddress(this.#key))
    this.#chainId = options.chainId
    this.#parts = parts
  }

  /** Sends the calls in order and resolves to their receipts once all are mined. A reverted one throws {@link SeedError}. */
  async send(calls: readonly Call[]): Promise<Record<string, unknown>[]> {
    const receipts: Record<string, unknown>[] = []
    for (let start = 0; start < calls.length; start += inFlightMax) {
      receipts.push(...(await this.#sendSome(calls.slice(start, start + inFlightMax))))
    }
    return receipts
  }

  async #sendSome(calls: readonly Call[]): Promise<Record<string, unknown>[]> {
    const { rpc } = this.#parts
    const block = (await rpc.request('eth_getBlockByNumber', ['latest', false])) as { baseFeePerGas: string }
    const maxFeePerGas = parseQuantity(block.baseFeePerGas) * 4n + priorityFee
    let nonce = parseQuantity(await rpc.request('eth_getTransactionCount', [this.address, 'pending']))
    const hashes: Hex[] = []
    for (const call of calls) {
      const request = {
        from: this.address,
        to: call.to,
        data: bytesToHex(call.data),
        value: quantity(call.value ?? 0n),
      }
      const estimate = parseQuantity(await rpc.request('eth_estimateGas', [request]))
      // State moves between estimate and execution: the first submission of a block is dearer than the tenth.
      const gasLimit = (estimate * 5n) / 4n + 30_000n
      const tx: FeeMarketTx = {
        type: 2,
        chainId: this.#chainId,
        nonce: nonce++,
        maxPriorityFeePerGas: priorityFee,
        maxFeePerGas,
        gasLimit,
        to: hexToBytes(call.to),
        value: call.value ?? 0n,
        data: call.data,
        accessList: [],
        yParity: 0,
        r: 0n,
        s: 0n,
      }
      const raw = encodeTransaction(signTransaction(tx, this.#key))
      hashes.push((await rpc.request('eth_sendRawTransaction', [bytesToHex(raw)])) as Hex)
    }
    return Promise.all(hashes.map((hash) => this.#receipt(hash)))
  }

  async #receipt(hash: Hex): Promise<Record<string, unknown>> {
    const { rpc, clock, signal } = this.#parts
    const deadline = clock.nowMs() + receiptMsMax
    for (;;) {
      const receipt = (await rpc.request('eth_getTransactionReceipt', [hash])) as Record<string, unknown> | null
      if (receipt !== null) {
        if (receipt['status'] !== '0x1') throw new SeedError('transaction-failed', `transaction ${hash} reverted`)
        return receipt
      }
      if (signal.aborted || clock.nowMs() > deadline) {
        throw new SeedError('transaction-lost', `transaction ${hash} was not mined in time`)
      }
      await clock.sleep(receiptPollMs, signal)
    }
  }
}
