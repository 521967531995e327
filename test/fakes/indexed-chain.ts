import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { logsBloom } from '../../protocol/bloom.ts'
import { bytesToHex, type Hex, hexToBytes, quantity, uintBytes } from '../../protocol/bytes.ts'
import { type Header, headerHash } from '../../protocol/header.ts'
import { keccak256, keccakHex } from '../../protocol/keccak.ts'
import { encodeReceipt, type Log, type Receipt } from '../../protocol/receipt.ts'
import { emptyOmmersHash, orderedTrieRoot } from '../../protocol/trie-root.ts'

/** A transaction of the fake chain: who calls whom with what, and the events it leaves. */
export type FakeTx = {
  readonly from?: Hex
  readonly to?: Hex
  readonly input?: Hex
  readonly logs?: readonly FakeLog[]
}
export type FakeLog = { readonly address: Hex; readonly topics: readonly Hex[]; readonly data: Hex }

type FakeBlock = {
  readonly header: Header
  readonly hash: Hex
  readonly json: Record<string, unknown>
  readonly receipts: Record<string, unknown>[]
}

/** A chain behind a JSON-RPC server, with real header hashes and receipt roots: what a node shows an indexer. */
export class IndexedChain {
  readonly #server: Server
  #blocks: FakeBlock[] = []
  #salt = 0
  finalized = 0
  chainId = 901
  /** Methods beside those an index needs. */
  readonly methods: Record<string, (params: readonly unknown[]) => unknown> = {}
  /** Changes an answer before it is sent; what it throws is answered as a JSON-RPC error. */
  intercept: (method: string, result: unknown) => unknown = (_, result) => result

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Call | Call[]
        const answer = Array.isArray(body) ? body.map((call) => this.#answer(call)) : this.#answer(body)
        response.end(JSON.stringify(answer))
      })
    })
    // A test may be busy for longer than a connection waits.
    this.#server.keepAliveTimeout = 0
    this.mine([])
  }

  static async start(): Promise<IndexedChain> {
    const chain = new IndexedChain()
    await new Promise<void>((resolve) => chain.#server.listen(0, '127.0.0.1', resolve))
    return chain
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get head(): { readonly number: number; readonly hash: Hex } {
    const block = this.#blocks.at(-1)
    return { number: this.#blocks.length - 1, hash: block?.hash ?? '0x' }
  }

  /** As JSON-RPC shows them. */
  get blocks(): readonly { readonly json: Record<string, unknown>; readonly receipts: Record<string, unknown>[] }[] {
    return this.#blocks
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  /** `timestamp`: Unix seconds; by default a block every 2 s. */
  mine(txs: readonly FakeTx[], timestamp?: bigint): void {
    this.#blocks.push(this.#block(this.#blocks.length, txs, timestamp))
  }

  /** Takes the last `depth` blocks away; what is mined next is another chain. */
  drop(depth: number): void {
    this.#salt++
    this.#blocks.length -= depth
  }

  /** Shows only the blocks up to `number`, as a node that lags behind; returns the function that ends it. */
  lagTo(number: number): () => void {
    const all = this.#blocks
    this.#blocks = all.slice(0, number + 1)
    return () => {
      this.#blocks = all
    }
  }

  /** Another chain from the genesis block on. */
  restart(): void {
    this.#salt++
    this.#blocks = []
    this.mine([])
  }

  #block(number: number, txs: readonly FakeTx[], timestamp = BigInt(1_700_000_000 + 2 * number)): FakeBlock {
    let gas = 0n
    let logIndex = 0
    const receipts = txs.map((tx): Receipt => {
      gas += 21_000n
      const logs: Log[] = (tx.logs ?? []).map((log) => ({
        address: hexToBytes(log.address),
        topics: log.topics.map(hexToBytes),
        data: hexToBytes(log.data),
      }))
      return { type: 2, status: 1, cumulativeGasUsed: gas, bloom: logsBloom(logs), logs }
    })
    const zero = new Uint8Array(32)
    const header: Header = {
      parentHash: hexToBytes(this.#blocks.at(-1)?.hash ?? bytesToHex(zero)),
      ommersHash: emptyOmmersHash,
      coinbase: new Uint8Array(20),
      stateRoot: keccak256(uintBytes(this.#salt, 8)),
      transactionsRoot: zero,
      receiptsRoot: orderedTrieRoot(receipts.map(encodeReceipt)),
      logsBloom: logsBloom(receipts.flatMap((receipt) => receipt.logs)),
      difficulty: 0n,
      number: BigInt(number),
      gasLimit: 30_000_000n,
      gasUsed: gas,
      timestamp,
      extraData: new Uint8Array(0),
      prevRandao: zero,
      nonce: new Uint8Array(8),
      baseFeePerGas: 7n,
    }
    const hash = bytesToHex(headerHash(header))
    const hashes = txs.map((_, i) => keccakHex(new TextEncoder().encode(`${hash}/${i}`)))
    const transactions = txs.map((tx, i) => ({
      hash: hashes[i],
      from: tx.from ?? address(1),
      to: tx.to ?? null,
      input: tx.input ?? '0x',
      type: '0x2',
      nonce: quantity(i),
      value: '0x0',
    }))
    const receiptJson = receipts.map((receipt, i) => ({
      transactionHash: hashes[i],
      type: '0x2',
      status: '0x1',
      cumulativeGasUsed: quantity(receipt.cumulativeGasUsed),
      gasUsed: '0x5208',
      effectiveGasPrice: '0x7',
      contractAddress: null,
      logsBloom: bytesToHex(receipt.bloom),
      logs: receipt.logs.map((log) => ({
        address: bytesToHex(log.address),
        topics: log.topics.map(bytesToHex),
        data: bytesToHex(log.data),
        logIndex: quantity(logIndex++),
      })),
    }))
    return { header, hash, json: blockJson(header, hash, transactions), receipts: receiptJson }
  }

  #answer({ id, method, params = [] }: Call) {
    try {
      return { jsonrpc: '2.0', id, result: this.intercept(method, this.#result(method, params)) ?? null }
    } catch (error) {
      return { jsonrpc: '2.0', id, error: { code: -32000, message: error instanceof Error ? error.message : '' } }
    }
  }

  #result(method: string, params: readonly unknown[]): unknown {
    const [first] = params
    switch (method) {
      case 'eth_chainId':
        return quantity(this.chainId)
      case 'eth_getBlockByNumber': {
        const labels: Record<string, number> = {
          latest: this.#blocks.length - 1,
          safe: this.finalized,
          finalized: this.finalized,
        }
        return this.#blocks[labels[String(first)] ?? Number(first)]?.json
      }
      case 'eth_getBlockReceipts':
        return this.#blocks.find((block) => block.hash === first)?.receipts
      default: {
        const extra = this.methods[method]
        if (extra === undefined) throw new Error(`the fake chain has no ${method}`)
        return extra(params)
      }
    }
  }
}

type Call = { readonly id: number; readonly method: string; readonly params?: readonly unknown[] }

export const address = (n: number): Hex => `0x${n.toString(16).padStart(40, '0')}`

function blockJson(header: Header, hash: Hex, transactions: unknown[]): Record<string, unknown> {
  return {
    hash,
    parentHash: bytesToHex(header.parentHash),
    sha3Uncles: bytesToHex(header.ommersHash),
    miner: bytesToHex(header.coinbase),
    stateRoot: bytesToHex(header.stateRoot),
    transactionsRoot: bytesToHex(header.transactionsRoot),
    receiptsRoot: bytesToHex(header.receiptsRoot),
    logsBloom: bytesToHex(header.logsBloom),
    difficulty: quantity(header.difficulty),
    number: quantity(header.number),
    gasLimit: quantity(header.gasLimit),
    gasUsed: quantity(header.gasUsed),
    timestamp: quantity(header.timestamp),
    extraData: bytesToHex(header.extraData),
    mixHash: bytesToHex(header.prevRandao),
    nonce: bytesToHex(header.nonce),
    baseFeePerGas: quantity(header.baseFeePerGas ?? 0n),
    transactions,
  }
}
