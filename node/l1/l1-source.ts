import { RpcError, rpcCodes } from '../../common/json-rpc.ts'
import type { Log } from '../../common/log.ts'
import { LruCache } from '../../common/lru-cache.ts'
import type { L1BlockRef } from '../../protocol/block-ref.ts'
import {
  bytesToBigint,
  bytesToHex,
  FormatError,
  fixedHex,
  type Hex,
  parseQuantity,
  quantity,
  uintBytes,
} from '../../protocol/bytes.ts'
import type { IndexedBlobHash, L1BlockInfo, L1BlockReceipts, L1Transaction } from '../../protocol/l1-block.ts'
import type { Receipt } from '../../protocol/receipt.ts'
import { verifyAccountProof } from '../../protocol/trie-proof.ts'
import { type CheckedBlock, type CheckedHeader, checkHeader, checkReceipts } from './l1-block-check.ts'
import { L1Error } from './l1-error.ts'
import type { L1Rpc } from './l1-rpc.ts'
import { readBlock } from './read-block.ts'

/** Headers kept, about 1 KiB each: more than a channel timeout and a reorg walk together. */
export const headersCachedMax = 4_096
/** Blocks with transactions kept; a mainnet block has some 100 KiB. */
export const blocksCachedMax = 64
/** Blocks whose receipts are kept; a mainnet block has some 500 KiB of them. */
export const receiptsCachedMax = 64

export type L1Label = 'latest' | 'safe' | 'finalized'

/** Reads the blobs of a block, checked against their hashes, in the order asked for. */
export type BlobSource = {
  readonly blobs: (ref: L1BlockRef, hashes: readonly IndexedBlobHash[]) => Promise<readonly Uint8Array[]>
}

/** The L1 chain as derivation and sequencer read it, over an RPC that need not be trusted. All methods throw {@link L1Error}. */
export class L1Source {
  readonly #options: { readonly trustRpc: boolean }
  readonly #parts: { readonly rpc: L1Rpc; readonly blobSource: BlobSource; readonly log: Log }
  readonly #headers = new LruCache<Hex, CheckedHeader>(headersCachedMax)
  readonly #blocks = new LruCache<Hex, CheckedBlock>(blocksCachedMax)
  readonly #receipts = new LruCache<Hex, readonly Receipt[]>(receiptsCachedMax)
  #lacksBlockReceipts = false

  constructor(
    options: { readonly trustRpc: boolean },
    parts: { readonly rpc: L1Rpc; readonly blobSource: BlobSource; readonly log: Log },
  ) {
    this.#options = options
    this.#parts = parts
  }

  async chainId(): Promise<bigint> {
    const id = await this.#query('eth_chainId', [], (answer) => parseQuantity(answer, 'chain id'))
    if (id === undefined) throw new L1Error('unavailable', 'L1 does not say its chain id')
    return id
  }

  /** The block that carries the label now; undefined where L1 has none yet. */
  async blockRefByLabel(label: L1Label): Promise<L1BlockRef | undefined> {
    try {
      return (await this.#header('eth_getBlockByNumber', label, () => true))?.info
    } catch (error) {
      // A chain before its first finalized block answers an error (geth: -39001 "Unknown block").
      if (label !== 'latest' && error instanceof L1Error && error.cause instanceof RpcError) return undefined
      throw error
    }
  }

  /** The canonical block of that height; undefined above the head. */
  async blockRefByNumber(number: bigint): Promise<L1BlockRef | undefined> {
    const isAsked = (checked: CheckedHeader) => checked.info.number === number
    return (await this.#header('eth_getBlockByNumber', quantity(number), isAsked))?.info
  }

  async blockRefByHash(hash: Hex): Promise<L1BlockRef> {
    return this.blockInfoByHash(hash)
  }

  async blockInfoByHash(hash: Hex): Promise<L1BlockInfo> {
    return (await this.#headerByHash(hash)).info
  }

  async transactions(hash: Hex): Promise<readonly L1Transaction[]> {
    return (await this.#block(hash)).transactions
  }

  async receipts(hash: Hex): Promise<L1BlockReceipts> {
    const { header, info } = await this.#headerByHash(hash)
    const cached = this.#receipts.get(hash)
    if (cached !== undefined) return { info, receipts: cached }
    const parse = (answer: unknown) =>
      answer === null || answer === undefined
        ? undefined
        : checkReceipts(answer, header, { trust: this.#options.trustRpc })
    const receipts = await this.#fetchReceipts(hash, parse)
    if (receipts === undefined) throw missing(hash)
    this.#receipts.set(hash, receipts)
    return { info, receipts }
  }

  blobs(ref: L1BlockRef, hashes: readonly IndexedBlobHash[]): Promise<readonly Uint8Array[]> {
    return this.#parts.blobSource.blobs(ref, hashes)
  }

  /** A storage word at a block, proven against its state root unless the RPC is trusted. */
  async storageAt(address: Hex, slot: Hex, blockHash: Hex): Promise<Hex> {
    const at = { blockHash }
    const word = this.#options.trustRpc
      ? await this.#query('eth_getStorageAt', [address, slot, at], (answer) => fixedHex(answer, 32, 'storage word'))
      : await this.#provenWord(address, slot, blockHash)
    if (word === undefined) throw missing(blockHash)
    return word
  }

  async #provenWord(address: Hex, slot: Hex, blockHash: Hex): Promise<Hex | undefined> {
    const { header } = await this.#headerByHash(blockHash)
    return await this.#query('eth_getProof', [address, [slot], { blockHash }], (answer) => {
      const proof = verifyAccountProof(header.stateRoot, answer)
      const word = proof.slots.find(({ key }) => bytesToBigint(key) === BigInt(slot))
      if (bytesToHex(proof.address) !== address || word === undefined) throw new FormatError('proof of another slot')
      return bytesToHex(uintBytes(word.value, 32))
    })
  }

  async #headerByHash(hash: Hex): Promise<CheckedHeader> {
    const cached = this.#headers.get(hash)
    if (cached !== undefined) return cached
    const checked = await this.#header('eth_getBlockByHash', hash, (header) => header.hash === hash)
    if (checked === undefined) throw missing(hash)
    return checked
  }

  async #header(
    method: string,
    which: string,
    isAsked: (checked: CheckedHeader) => boolean,
  ): Promise<CheckedHeader | undefined> {
    const checked = await this.#query(method, [which, false], (answer) =>
      requireAsked(checkHeader(answer, { trust: this.#options.trustRpc }), isAsked),
    )
    if (checked !== undefined) this.#headers.set(checked.hash, checked)
    return checked
  }

  async #block(hash: Hex): Promise<CheckedBlock> {
    const cached = this.#blocks.get(hash)
    if (cached !== undefined) return cached
    const options = { trust: this.#options.trustRpc }
    const block = await this.#guarded(() =>
      this.#parts.rpc.read('eth_getBlockByHash', async (endpoint) =>
        requireAsked(await readBlock(endpoint, hash, options), (checked) => checked.hash === hash),
      ),
    )
    if (block === undefined) throw missing(hash)
    this.#headers.set(hash, block)
    this.#blocks.set(hash, block)
    return block
  }

  async #fetchReceipts(
    hash: Hex,
    parse: (answer: unknown) => Receipt[] | undefined,
  ): Promise<readonly Receipt[] | undefined> {
    if (!this.#lacksBlockReceipts) {
      try {
        return await this.#parts.rpc.query('eth_getBlockReceipts', [hash], parse)
      } catch (error) {
        if (!(error instanceof RpcError)) throw error
        if (!isMethodMissing(error)) throw new L1Error('unavailable', 'L1 refused a read', { cause: error })
        this.#lacksBlockReceipts = true
        this.#parts.log.info('l1 lacks eth_getBlockReceipts, receipts are read one by one', { error: error.message })
      }
    }
    const { transactions } = await this.#block(hash)
    if (transactions.length === 0) return parse([])
    const calls = transactions.map((tx) => ({ method: 'eth_getTransactionReceipt', params: [tx.hash] }))
    return this.#guarded(() => this.#parts.rpc.queryAll(calls, parse))
  }

  #query<T>(method: string, params: readonly unknown[], parse: (answer: unknown) => T | undefined) {
    return this.#guarded(() => this.#parts.rpc.query(method, params, parse))
  }

  /** A server's own error to a plain read is no verdict on the chain: the caller tries again. */
  async #guarded<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      if (error instanceof RpcError) throw new L1Error('unavailable', 'L1 refused a read', { cause: error })
      throw error
    }
  }
}

function requireAsked<T extends CheckedHeader>(
  checked: T | undefined,
  isAsked: (checked: T) => boolean,
): T | undefined {
  if (checked !== undefined && !isAsked(checked)) {
    throw new FormatError(`the answer is block ${checked.info.number} ${checked.hash}, not the one asked for`)
  }
  return checked
}

/** The code is not enough: providers put their own on methods that their plan or their client lacks. */
function isMethodMissing(error: RpcError): boolean {
  return (
    error.code === rpcCodes.methodNotFound || /not (supported|available|exist|allowed)|unsupported/i.test(error.message)
  )
}

function missing(hash: Hex): L1Error {
  return new L1Error('missing', `L1 does not know block ${hash}`)
}
