import { networkForm } from '../../chain/tx/blob-sidecar.ts'
import {
  bytesToHex,
  emptyBytes,
  equalBytes,
  FormatError,
  fixedHex,
  type Hex,
  hexToBytes,
  parseQuantity,
} from '../../protocol/bytes.ts'
import { type Header, headerHash } from '../../protocol/header.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import type { L1BlockInfo, L1Transaction } from '../../protocol/l1-block.ts'
import { encodeReceipt, type Receipt } from '../../protocol/receipt.ts'
import { rlpEncode, rlpUint } from '../../protocol/rlp.ts'
import { headerFromRpc, receiptFromRpc, transactionFromRpc, transactionTypeFromRpc } from '../../protocol/rpc-json.ts'
import {
  type BlobTx,
  encodeTransaction,
  type Transaction,
  transactionSender,
  txType,
} from '../../protocol/transaction.ts'
import { orderedTrieRoot } from '../../protocol/trie-root.ts'

/** A header whose hash was recomputed, unless the RPC is trusted. */
export type CheckedHeader = { readonly hash: Hex; readonly header: Header; readonly info: L1BlockInfo }
export type CheckedBlock = CheckedHeader & { readonly transactions: readonly L1Transaction[] }

/**
 * Reads a block as JSON-RPC gives it without full transactions; an untrusted server must not be able to change
 * derivation, so the hash is recomputed. Undefined for null. Throws {@link FormatError}.
 */
export function checkHeader(json: unknown, options: { readonly trust: boolean }): CheckedHeader | undefined {
  if (json === null || json === undefined) return undefined
  const claimed = fixedHex(field(json, 'hash'), 32, 'block hash')
  const header = headerFromRpc(json)
  if (!options.trust) {
    const actual = bytesToHex(headerHash(header))
    if (actual !== claimed) throw new FormatError(`failed to verify block hash: computed ${actual}, got ${claimed}`)
  }
  return { hash: claimed, header, info: blockInfo(claimed, header) }
}

/** A transaction in a block's JSON whose type this node does not know. */
export type UnknownTransaction = { readonly hash: Hex; readonly type: number }

/** The transactions of a block's JSON whose fields cannot be read, for want of their type's format. */
export function unknownTransactions(json: unknown): readonly UnknownTransaction[] {
  return transactionList(json).flatMap((item) => {
    const type = transactionTypeFromRpc(item)
    return isKnownType(type) ? [] : [{ type, hash: fixedHex(field(item, 'hash'), 32, 'transaction hash') }]
  })
}

/**
 * Reads a block with full transactions: hash, transactions root and withdrawals root are recomputed. Transactions of unknown
 * type stand in `raws` by their hash; the root holds them to be what the block has, and their type keeps them from being
 * batcher transactions.
 */
export function checkBlock(
  json: unknown,
  options: { readonly trust: boolean; readonly raws?: ReadonlyMap<Hex, Uint8Array> },
): CheckedBlock | undefined {
  const checked = checkHeader(json, options)
  if (checked === undefined) return undefined
  const list = transactionList(json)
  const transactions = list.map((item) => blockTransaction(item, options))
  if (!options.trust) {
    checkTransactionsRoot(list, transactions, checked.header)
    checkWithdrawals(json, checked.header)
  }
  return { ...checked, transactions: transactions.map(({ read }) => read) }
}

/** Reads the receipts of a block and recomputes their root. Throws {@link FormatError}. */
export function checkReceipts(json: unknown, header: Header, options: { readonly trust: boolean }): Receipt[] {
  if (!Array.isArray(json)) throw new FormatError('receipts must be an array')
  const receipts = json.map((item) => receiptFromRpc(item))
  if (!options.trust) requireRoot('receipts', orderedTrieRoot(receipts.map(encodeReceipt)), header.receiptsRoot)
  return receipts
}

function blockInfo(hash: Hex, header: Header): L1BlockInfo {
  return {
    hash,
    number: header.number,
    parentHash: bytesToHex(header.parentHash),
    timestamp: header.timestamp,
    prevRandao: bytesToHex(header.prevRandao),
    baseFee: header.baseFeePerGas ?? 0n,
    gasUsed: header.gasUsed,
    gasLimit: header.gasLimit,
    excessBlobGas: header.excessBlobGas,
    parentBeaconBlockRoot:
      header.parentBeaconBlockRoot === undefined ? undefined : bytesToHex(header.parentBeaconBlockRoot),
  }
}

/** `tx`: absent where the type is unknown. */
type BlockTransaction = { readonly tx?: Transaction; readonly raw: Uint8Array; readonly read: L1Transaction }

function blockTransaction(
  json: unknown,
  { trust, raws }: { readonly trust: boolean; readonly raws?: ReadonlyMap<Hex, Uint8Array> },
): BlockTransaction {
  const type = transactionTypeFromRpc(json)
  if (!isKnownType(type)) return unknownTransaction(json, type, trust ? emptyBytes : raws)
  const tx = transactionFromRpc(json)
  const raw = encodeTransaction(tx)
  const read = {
    hash: keccakHex(raw),
    type: tx.type,
    to: tx.to === undefined ? undefined : bytesToHex(tx.to),
    data: tx.data,
    blobVersionedHashes: tx.type === txType.blob ? tx.blobVersionedHashes.map(bytesToHex) : [],
    // Recovery costs 60 µs; only the few transactions to the batch inbox are asked for it.
    sender: () => bytesToHex(transactionSender(tx)),
  }
  return { tx, raw, read }
}

/** Its claimed blobs count for the position of later blobs only: a wrong count finds no blob with the right hash. */
function unknownTransaction(
  json: unknown,
  type: number,
  raws: Uint8Array | ReadonlyMap<Hex, Uint8Array> | undefined,
): BlockTransaction {
  const hash = fixedHex(field(json, 'hash'), 32, 'transaction hash')
  const raw = raws instanceof Uint8Array ? raws : raws?.get(hash)
  if (raw === undefined) throw new FormatError(`unknown transaction type ${type}`)
  if (raw.length > 0 && raw[0] !== type) throw new FormatError(`transaction ${hash} is not of type ${type}`)
  const blobs = field(json, 'blobVersionedHashes')
  const read = {
    hash,
    type,
    data: emptyBytes,
    blobVersionedHashes: Array.isArray(blobs) ? blobs.map((blob) => fixedHex(blob, 32, 'blob versioned hash')) : [],
    sender: () => {
      throw new FormatError(`the sender of a transaction of type ${type} is not known`)
    },
  }
  return { raw, read }
}

function isKnownType(type: number): boolean {
  return Object.values<number>(txType).includes(type)
}

function transactionList(json: unknown): readonly unknown[] {
  const list = field(json, 'transactions')
  if (!Array.isArray(list)) throw new FormatError('block without transactions')
  return list
}

/**
 * anvil's root commits to blob transactions together with their sidecars, which it shows in the transaction's JSON. That
 * leaf is tried where the right one does not fit: it fixes the transaction no less.
 */
function checkTransactionsRoot(
  list: readonly unknown[],
  transactions: readonly BlockTransaction[],
  header: Header,
): void {
  const hasSidecar = list.some((item) => Array.isArray(field(item, 'blobs')))
  if (hasSidecar) {
    const leaves = transactions.map(({ tx, raw }, i) => (tx?.type === txType.blob ? sidecarLeaf(tx, list[i]) : raw))
    if (equalBytes(orderedTrieRoot(leaves), header.transactionsRoot)) return
  }
  requireRoot('transactions', orderedTrieRoot(transactions.map(({ raw }) => raw)), header.transactionsRoot)
}

function sidecarLeaf(tx: BlobTx, json: unknown): Uint8Array {
  const list = (name: string) => {
    const items = field(json, name)
    return Array.isArray(items) ? items.map((item) => hexToBytes(String(item))) : []
  }
  const [blobs, commitments, proofs] = [list('blobs'), list('commitments'), list('proofs')]
  return networkForm(tx, { version: proofs.length === blobs.length ? 0 : 1, blobs, commitments, proofs })
}

/** EIP-4895: the withdrawals root commits to [index, validatorIndex, address, amount] of each. */
function checkWithdrawals(json: unknown, header: Header): void {
  const list = field(json, 'withdrawals')
  if (header.withdrawalsRoot === undefined) {
    if (list !== undefined && list !== null) throw new FormatError('withdrawals in a block without withdrawals root')
    return
  }
  if (!Array.isArray(list)) throw new FormatError('block without its withdrawals')
  const leaves = list.map((item) =>
    rlpEncode([
      rlpUint(parseQuantity(field(item, 'index'), 'withdrawal index')),
      rlpUint(parseQuantity(field(item, 'validatorIndex'), 'validator index')),
      hexToBytes(fixedHex(field(item, 'address'), 20, 'withdrawal address')),
      rlpUint(parseQuantity(field(item, 'amount'), 'withdrawal amount')),
    ]),
  )
  requireRoot('withdrawals', orderedTrieRoot(leaves), header.withdrawalsRoot)
}

function requireRoot(what: string, computed: Uint8Array, claimed: Uint8Array): void {
  const [actual, expected] = [bytesToHex(computed), bytesToHex(claimed)]
  if (actual !== expected) throw new FormatError(`failed to verify ${what} root: computed ${actual}, got ${expected}`)
}

function field(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null ? Reflect.get(json, name) : undefined
}
