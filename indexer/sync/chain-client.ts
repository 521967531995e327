import { HttpRpcClient, RpcError, TransportError } from '../../common/json-rpc.ts'
import {
  bytesToHex,
  equalBytes,
  FormatError,
  fixedHex,
  type Hex,
  hexToBytes,
  parseQuantity,
} from '../../protocol/bytes.ts'
import { headerHash } from '../../protocol/header.ts'
import { encodeReceipt } from '../../protocol/receipt.ts'
import { headerFromRpc, receiptFromRpc } from '../../protocol/rpc-json.ts'
import { orderedTrieRoot } from '../../protocol/trie-root.ts'

/** A transaction with its receipt, as the handlers read it. */
export type IndexedTransaction = {
  readonly index: number
  readonly hash: Hex
  readonly from: Hex
  readonly to: Hex | undefined
  readonly type: number
  readonly nonce: bigint
  readonly value: bigint
  readonly input: Uint8Array
  readonly status: number
  readonly gasUsed: bigint
  readonly gasPrice: bigint
  readonly l1Fee: bigint | undefined
  readonly contract: Hex | undefined
  readonly logs: readonly IndexedLog[]
}

export type IndexedLog = {
  readonly index: number
  readonly address: Hex
  readonly topics: readonly Hex[]
  readonly data: Uint8Array
}

export type IndexedBlock = {
  readonly number: number
  readonly hash: Hex
  readonly parentHash: Hex
  readonly timestamp: number
  readonly gasUsed: bigint
  readonly gasLimit: bigint
  readonly baseFee: bigint
  readonly stateRoot: Hex
  readonly transactions: readonly IndexedTransaction[]
}

export type BlockId = { readonly number: number; readonly hash: Hex }

const timeoutMs = 30_000

/** The node, as the indexer reads it. Headers and receipts are re-hashed: a mixed-up answer of a load balancer is an error, not an index. */
export class ChainClient {
  readonly #rpc: HttpRpcClient

  constructor(url: string) {
    this.#rpc = new HttpRpcClient({ url, timeoutMs })
  }

  async chainId(): Promise<bigint> {
    return parseQuantity(await this.#rpc.request('eth_chainId'))
  }

  /** Undefined where the label is not set or the number is above the head. Throws RpcError, TransportError. */
  async blockId(block: 'latest' | 'safe' | 'finalized' | number): Promise<BlockId | undefined> {
    const tag = typeof block === 'number' ? `0x${block.toString(16)}` : block
    const isLabel = block === 'safe' || block === 'finalized'
    const answer = await this.#rpc.request('eth_getBlockByNumber', [tag, false]).catch((error: unknown) => {
      // A label that is not set yet is an error to some nodes.
      if (isLabel && error instanceof RpcError) return null
      throw error
    })
    if (answer === null) return undefined
    if (!isRecord(answer)) throw new FormatError(`the node answers no block for ${tag}`)
    return { number: Number(parseQuantity(answer['number'])), hash: fixedHex(answer['hash'], 32, 'block hash') }
  }

  /** Blocks [from, to] with receipts; fewer where the head moved back. Throws RpcError, TransportError, FormatError. */
  async blocks(from: number, to: number): Promise<IndexedBlock[]> {
    const numbers = Array.from({ length: to - from + 1 }, (_, i) => from + i)
    const headers = await this.#all(
      numbers.map((number) => ({ method: 'eth_getBlockByNumber', params: [`0x${number.toString(16)}`, true] })),
    )
    const firstAbsent = headers.findIndex((block) => !isRecord(block))
    const present = headers.slice(0, firstAbsent === -1 ? headers.length : firstAbsent) as Json[]
    const receipts = await this.#all(
      present.map((block) => ({ method: 'eth_getBlockReceipts', params: [block['hash']] })),
    )
    const blocks: IndexedBlock[] = []
    for (const [i, block] of present.entries()) {
      const list = receipts[i]
      // The block was replaced in between: the next look finds the new one.
      if (!Array.isArray(list)) break
      blocks.push(indexedBlock(block, list as Json[]))
    }
    return blocks
  }

  /** wei that accounts have behind a block. Throws RpcError where the node has no state of it, TransportError. */
  async balances(addresses: readonly Hex[], blockHash: string): Promise<ReadonlyMap<Hex, bigint>> {
    if (addresses.length === 0) return new Map()
    const params = (address: Hex) => [address, { blockHash }]
    const answers = await this.#all(addresses.map((address) => ({ method: 'eth_getBalance', params: params(address) })))
    return new Map(addresses.map((address, i) => [address, parseQuantity(answers[i])]))
  }

  /** The word that each call answers at the newest block; undefined where there is no contract. Throws RpcError, TransportError. */
  async words(calls: readonly { readonly to: Hex; readonly data: Hex }[]): Promise<(bigint | undefined)[]> {
    const answers = await this.#all(calls.map((call) => ({ method: 'eth_call', params: [call, 'latest'] })))
    return answers.map((answer) => (answer === '0x' ? undefined : BigInt(fixedHex(answer, 32, 'answer'))))
  }

  /** A call that failed fails all: what a node refuses now is asked again later, and never taken for absent. */
  async #all(calls: Parameters<HttpRpcClient['batch']>[0]): Promise<unknown[]> {
    const answers = await this.#rpc.batch(calls)
    const failed = answers.find((answer) => answer instanceof Error)
    if (failed !== undefined) throw failed
    if (answers.length !== calls.length) throw new TransportError('the node answered a batch in part')
    return answers
  }
}

type Json = Readonly<Record<string, unknown>>

function indexedBlock(block: Json, receipts: readonly Json[]): IndexedBlock {
  const header = headerFromRpc(block)
  const hash = fixedHex(block['hash'], 32, 'block hash')
  if (bytesToHex(headerHash(header)) !== hash)
    throw new FormatError(`the header of block ${header.number} does not have the hash ${hash}`)
  const root = orderedTrieRoot(receipts.map((receipt) => encodeReceipt(receiptFromRpc(receipt))))
  if (!equalBytes(root, header.receiptsRoot))
    throw new FormatError(`the receipts of block ${header.number} do not have its root`)
  const transactions = block['transactions']
  if (!Array.isArray(transactions) || transactions.length !== receipts.length) {
    throw new FormatError(`block ${header.number} has another number of transactions than receipts`)
  }
  return {
    number: Number(header.number),
    hash,
    parentHash: bytesToHex(header.parentHash),
    timestamp: Number(header.timestamp),
    gasUsed: header.gasUsed,
    gasLimit: header.gasLimit,
    baseFee: header.baseFeePerGas ?? 0n,
    stateRoot: bytesToHex(header.stateRoot),
    transactions: transactions.map((tx: Json, index) => indexedTransaction(tx, receipts[index] ?? {}, index)),
  }
}

function indexedTransaction(tx: Json, receipt: Json, index: number): IndexedTransaction {
  const hash = fixedHex(tx['hash'], 32, 'transaction hash')
  if (receipt['transactionHash'] !== hash)
    throw new FormatError(`receipt ${index} is of another transaction than ${hash}`)
  const logs = receipt['logs']
  return {
    index,
    hash,
    from: fixedHex(tx['from'], 20, 'from'),
    to: optionalAddress(tx['to']),
    type: Number(parseQuantity(tx['type'] ?? '0x0')),
    nonce: parseQuantity(tx['nonce'] ?? '0x0'),
    value: parseQuantity(tx['value']),
    input: hexToBytes(String(tx['input'])),
    status: Number(parseQuantity(receipt['status'] ?? '0x1')),
    gasUsed: parseQuantity(receipt['gasUsed']),
    gasPrice: parseQuantity(receipt['effectiveGasPrice'] ?? '0x0'),
    l1Fee: typeof receipt['l1Fee'] === 'string' ? parseQuantity(receipt['l1Fee']) : undefined,
    contract: optionalAddress(receipt['contractAddress']),
    logs: (Array.isArray(logs) ? (logs as Json[]) : []).map(indexedLog),
  }
}

function indexedLog(log: Json): IndexedLog {
  return {
    index: Number(parseQuantity(log['logIndex'])),
    address: fixedHex(log['address'], 20, 'log address'),
    topics: (log['topics'] as unknown[]).map((topic) => fixedHex(topic, 32, 'topic')),
    data: hexToBytes(String(log['data'])),
  }
}

function optionalAddress(value: unknown): Hex | undefined {
  return value === null || value === undefined ? undefined : fixedHex(value, 20, 'address')
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
