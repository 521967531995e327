import { RpcError } from '../../common/json-rpc.ts'
import type { L1Endpoint, RpcCall } from '../../node/l1/l1-rpc.ts'
import { bytesToHex, emptyBytes, type Hex, hexToBytes, parseQuantity, quantity } from '../../protocol/bytes.ts'
import { type Header, headerHash } from '../../protocol/header.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { encodeReceipt, type Receipt } from '../../protocol/receipt.ts'
import { asList, rlpDecode, rlpEncode } from '../../protocol/rlp.ts'
import { decodeTransaction, encodeTransaction, type SignedTx, transactionSender } from '../../protocol/transaction.ts'
import { emptyOmmersHash, emptyTrieRoot, orderedTrieRoot } from '../../protocol/trie-root.ts'

type Block = {
  readonly hash: Hex
  readonly header: Header
  readonly txs: readonly SignedTx[]
  readonly receipts: readonly Receipt[]
}

/** Seconds between blocks. */
const blockSeconds = 12n

/**
 * An L1 node in memory, at the JSON-RPC boundary: blocks with true hashes and roots, a pool with one slot a nonce, mined
 * when a test says so. Blob transactions are taken without checking their proofs; the blobs are kept for the beacon API.
 */
export class JsonRpcL1 implements L1Endpoint {
  readonly url = 'http://l1.test'
  /** Blobs by versioned hash. */
  readonly blobs = new Map<Hex, Uint8Array>()
  /** Every method asked for, for tests of politeness. */
  readonly asked: string[] = []
  /** Answers instead of the node, where it returns something; throws as the node would. */
  intercept: (method: string, params: readonly unknown[]) => unknown = () => undefined
  balance = 10n ** 20n
  chain: Block[] = []
  readonly pool = new Map<string, SignedTx>()
  #extra = 0

  constructor() {
    this.mine()
  }

  readonly request = async (method: string, params: readonly unknown[] = []): Promise<unknown> => {
    this.asked.push(method)
    const answer = this.intercept(method, params)
    if (answer !== undefined) return answer
    // As over a wire: what is read cannot be changed by the reader.
    return structuredClone(this.#answer(method, params))
  }

  readonly batch = (calls: readonly RpcCall[]): Promise<unknown[]> =>
    Promise.all(calls.map(({ method, params }) => this.request(method, params).catch((error: unknown) => error)))

  get head(): Block {
    const head = this.chain.at(-1)
    if (head === undefined) throw new Error('an L1 without blocks')
    return head
  }

  /** Mines a block with everything in the pool whose turn it is, or with `txs`. */
  mine(count = 1): void {
    for (let i = 0; i < count; i++) this.#mineOne()
  }

  /** Replaces the newest blocks; their transactions are gone, as anvil has it, or back in the pool, as geth has it. */
  reorg(depth: number, options: { readonly returnTxs: boolean } = { returnTxs: false }): void {
    const dropped = this.chain.splice(-depth)
    if (options.returnTxs) for (const tx of dropped.flatMap((block) => block.txs)) this.pool.set(poolKey(tx), tx)
    this.#extra++
    for (let i = 0; i < depth; i++) this.#mineOne([])
  }

  /** Mined transactions to an address, in order. */
  sentTo(address: Hex): SignedTx[] {
    return this.chain.flatMap((block) => block.txs.filter((tx) => tx.to !== undefined && bytesToHex(tx.to) === address))
  }

  #mineOne(chosen?: readonly SignedTx[]): void {
    const parent = this.chain.at(-1)
    const txs = chosen ?? this.#ready()
    const receipts = txs.map(
      (tx, i): Receipt => ({
        type: tx.type,
        status: 1,
        cumulativeGasUsed: BigInt(i + 1) * 21_000n,
        bloom: new Uint8Array(256),
        logs: [],
      }),
    )
    const number = BigInt(this.chain.length)
    const header: Header = {
      parentHash: parent === undefined ? new Uint8Array(32) : hexToBytes(parent.hash),
      ommersHash: emptyOmmersHash,
      coinbase: new Uint8Array(20),
      stateRoot: emptyTrieRoot,
      transactionsRoot: orderedTrieRoot(txs.map(encodeTransaction)),
      receiptsRoot: orderedTrieRoot(receipts.map(encodeReceipt)),
      logsBloom: new Uint8Array(256),
      difficulty: 0n,
      number,
      gasLimit: 30_000_000n,
      gasUsed: BigInt(txs.length) * 21_000n,
      timestamp: number * blockSeconds,
      extraData: Uint8Array.of(this.#extra),
      prevRandao: new Uint8Array(32),
      nonce: new Uint8Array(8),
      baseFeePerGas: 1_000_000_000n,
      withdrawalsRoot: emptyTrieRoot,
      blobGasUsed: 0n,
      excessBlobGas: 0n,
      parentBeaconBlockRoot: new Uint8Array(32),
    }
    for (const tx of txs) this.pool.delete(poolKey(tx))
    this.chain.push({ hash: bytesToHex(headerHash(header)), header, txs, receipts })
  }

  #ready(): SignedTx[] {
    const ready: SignedTx[] = []
    const nonces = new Map<Hex, bigint>()
    const inOrder = [...this.pool.values()].toSorted((a, b) => Number(a.nonce - b.nonce))
    for (const tx of inOrder) {
      const sender = bytesToHex(transactionSender(tx))
      const next = nonces.get(sender) ?? this.#nonce(sender, this.chain.length - 1)
      if (tx.nonce !== next) continue
      nonces.set(sender, next + 1n)
      ready.push(tx)
    }
    return ready
  }

  #nonce(sender: Hex, block: number): bigint {
    const txs = this.chain.slice(0, block + 1).flatMap((mined) => mined.txs)
    return BigInt(txs.filter((tx) => bytesToHex(transactionSender(tx)) === sender).length)
  }

  #answer(method: string, params: readonly unknown[]): unknown {
    const [first, second] = params
    switch (method) {
      case 'eth_chainId':
        return '0x384'
      case 'eth_blockNumber':
        return quantity(this.chain.length - 1)
      case 'eth_getBlockByNumber':
        return this.#blockJson(this.chain[this.#height(first)], second === true)
      case 'eth_getBlockByHash':
        return this.#blockJson(this.#byHash(first), second === true)
      case 'eth_getBlockReceipts':
        return this.#receiptsJson(this.#byHash(first))
      case 'eth_getTransactionReceipt':
        return this.#receiptOf(first)
      case 'eth_getTransactionByHash':
        return [...this.pool.values()].some((tx) => txHash(tx) === first) || this.#receiptOf(first) !== null ? {} : null
      case 'eth_getTransactionCount':
        return quantity(this.#count(first as Hex, second))
      case 'eth_sendRawTransaction':
        return this.#take(hexToBytes(String(first)))
      case 'eth_maxPriorityFeePerGas':
        return '0x3b9aca00'
      case 'eth_blobBaseFee':
        return '0x1'
      case 'eth_getBalance':
        return quantity(this.balance)
      case 'eth_estimateGas':
        return '0x186a0'
      default:
        throw new RpcError(-32601, `the method ${method} does not exist`)
    }
  }

  #height(label: unknown): number {
    if (label === 'latest') return this.chain.length - 1
    if (label === 'safe') return Math.max(0, this.chain.length - 1 - 4)
    if (label === 'finalized') return Math.max(0, this.chain.length - 1 - 8)
    return Number(parseQuantity(label))
  }

  #byHash(hash: unknown): Block | undefined {
    return this.chain.find((block) => block.hash === hash)
  }

  #count(address: Hex, label: unknown): bigint {
    const mined = this.#nonce(address, label === 'pending' ? this.chain.length : this.#height(label))
    if (label !== 'pending') return mined
    let next = mined
    while (this.pool.has(`${address}:${next}`)) next++
    return next
  }

  #take(raw: Uint8Array): Hex {
    const tx = this.#decode(raw)
    const sender = bytesToHex(transactionSender(tx))
    const hash = txHash(tx)
    if (tx.nonce < this.#nonce(sender, this.chain.length)) throw new RpcError(-32000, 'nonce too low')
    if (this.balance === 0n) throw new RpcError(-32000, 'insufficient funds for gas * price + value')
    const known = this.pool.get(poolKey(tx))
    if (known !== undefined && txHash(known) === hash) throw new RpcError(-32000, 'already known')
    if (known !== undefined && fee(known) * 110n > fee(tx) * 100n) {
      throw new RpcError(-32000, 'replacement transaction underpriced')
    }
    this.pool.set(poolKey(tx), tx)
    return hash
  }

  #decode(raw: Uint8Array): SignedTx {
    let consensus = raw
    if (raw[0] === 3) {
      const [body, ...sidecar] = asList(rlpDecode(raw.subarray(1)), 'network form')
      const blobs = asList(sidecar.length === 4 ? sidecar[1] : sidecar[0], 'blobs')
      consensus = Uint8Array.of(3, ...rlpEncode(body ?? emptyBytes))
      const tx = decodeTransaction(consensus)
      if (tx.type !== 3) throw new RpcError(-32602, 'not a blob transaction')
      for (const [i, hash] of tx.blobVersionedHashes.entries()) {
        this.blobs.set(bytesToHex(hash), blobs[i] as Uint8Array)
      }
    }
    const tx = decodeTransaction(consensus)
    if (tx.type === 0x7e) throw new RpcError(-32602, 'no deposits here')
    return tx
  }

  #receiptOf(hash: unknown): unknown {
    for (const block of this.chain) {
      const index = block.txs.findIndex((tx) => txHash(tx) === hash)
      if (index !== -1) return (this.#receiptsJson(block) as unknown[])[index]
    }
    return null
  }

  #receiptsJson(block: Block | undefined): unknown {
    if (block === undefined) return null
    return block.receipts.map((receipt, i) => ({
      type: quantity(receipt.type),
      status: '0x1',
      cumulativeGasUsed: quantity(receipt.cumulativeGasUsed),
      logsBloom: bytesToHex(receipt.bloom),
      logs: [],
      transactionHash: txHash(block.txs[i] as SignedTx),
      blockHash: block.hash,
      blockNumber: quantity(block.header.number),
    }))
  }

  #blockJson(block: Block | undefined, full: boolean): unknown {
    if (block === undefined) return null
    const { header } = block
    return {
      hash: block.hash,
      parentHash: bytesToHex(header.parentHash),
      sha3Uncles: bytesToHex(header.ommersHash),
      miner: bytesToHex(header.coinbase),
      stateRoot: bytesToHex(header.stateRoot),
      transactionsRoot: bytesToHex(header.transactionsRoot),
      receiptsRoot: bytesToHex(header.receiptsRoot),
      logsBloom: bytesToHex(header.logsBloom),
      difficulty: '0x0',
      number: quantity(header.number),
      gasLimit: quantity(header.gasLimit),
      gasUsed: quantity(header.gasUsed),
      timestamp: quantity(header.timestamp),
      extraData: bytesToHex(header.extraData),
      mixHash: bytesToHex(header.prevRandao),
      nonce: bytesToHex(header.nonce),
      baseFeePerGas: quantity(header.baseFeePerGas ?? 0n),
      withdrawalsRoot: bytesToHex(emptyTrieRoot),
      blobGasUsed: '0x0',
      excessBlobGas: '0x0',
      parentBeaconBlockRoot: bytesToHex(new Uint8Array(32)),
      withdrawals: [],
      transactions: block.txs.map((tx) => (full ? txJson(tx) : txHash(tx))),
    }
  }
}

function poolKey(tx: SignedTx): string {
  return `${bytesToHex(transactionSender(tx))}:${tx.nonce}`
}

function txHash(tx: SignedTx): Hex {
  return keccakHex(encodeTransaction(tx))
}

function fee(tx: SignedTx): bigint {
  return 'maxFeePerGas' in tx ? tx.maxFeePerGas : tx.gasPrice
}

function txJson(tx: SignedTx): unknown {
  if (tx.type !== 2 && tx.type !== 3) throw new Error('only types 2 and 3 are used in tests')
  return {
    hash: txHash(tx),
    type: quantity(tx.type),
    chainId: quantity(tx.chainId),
    nonce: quantity(tx.nonce),
    gas: quantity(tx.gasLimit),
    maxPriorityFeePerGas: quantity(tx.maxPriorityFeePerGas),
    maxFeePerGas: quantity(tx.maxFeePerGas),
    to: tx.to === undefined ? null : bytesToHex(tx.to),
    value: quantity(tx.value),
    input: bytesToHex(tx.data),
    accessList: [],
    yParity: quantity(tx.yParity),
    v: quantity(tx.yParity),
    r: quantity(tx.r),
    s: quantity(tx.s),
    ...(tx.type === 3
      ? {
          maxFeePerBlobGas: quantity(tx.maxFeePerBlobGas),
          blobVersionedHashes: tx.blobVersionedHashes.map(bytesToHex),
        }
      : {}),
  }
}
