import { emptyBytes, FormatError, parseQuantity } from './bytes.ts'
import type { Header } from './header.ts'
import { asArray, asData, asFixed, asObject, optional, optionalQuantity, uintQuantity } from './json-fields.ts'
import type { Log, Receipt } from './receipt.ts'
import { type AccessListEntry, type Authorization, type Transaction, txType } from './transaction.ts'

type Json = Readonly<Record<string, unknown>>

/** Calldata of a transaction: far above what a block's gas buys (8 MB at 36 M gas). */
export const transactionDataBytesMax = 32 * 1024 * 1024
/** A log's data: 8 gas a byte allow 45 MB in a block of 360 M gas; more is no log. */
export const logDataBytesMax = 64 * 1024 * 1024
/** Extra data of L1 is at most 32 bytes; the rest is room for proof-of-authority chains (97 and more). */
export const extraDataBytesMax = 4096

/**
 * The header in an `eth_getBlockBy…` answer. Values are bounded, but not believed: the caller compares the header's hash.
 * Throws {@link FormatError}, as every parser of this file.
 */
export function headerFromRpc(json: unknown): Header {
  const object = asObject(json, 'block')
  const fixed = (key: string, length: number) => asFixed(object[key], key, length)
  const optionalFixed = (key: string) => (isAbsent(object[key]) ? undefined : fixed(key, 32))
  return {
    parentHash: fixed('parentHash', 32),
    ommersHash: fixed('sha3Uncles', 32),
    coinbase: fixed('miner', 20),
    stateRoot: fixed('stateRoot', 32),
    transactionsRoot: fixed('transactionsRoot', 32),
    receiptsRoot: fixed('receiptsRoot', 32),
    logsBloom: fixed('logsBloom', 256),
    difficulty: uintQuantity(object['difficulty'], 'difficulty', 256),
    number: uintQuantity(object['number'], 'number'),
    gasLimit: uintQuantity(object['gasLimit'], 'gasLimit'),
    gasUsed: uintQuantity(object['gasUsed'], 'gasUsed'),
    timestamp: uintQuantity(object['timestamp'], 'timestamp'),
    extraData: asData(object['extraData'], 'extraData', extraDataBytesMax),
    prevRandao: fixed('mixHash', 32),
    nonce: fixed('nonce', 8),
    ...optional('baseFeePerGas', optionalQuantity(object['baseFeePerGas'], 'baseFeePerGas', 256)),
    ...optional('withdrawalsRoot', optionalFixed('withdrawalsRoot')),
    ...optional('blobGasUsed', optionalQuantity(object['blobGasUsed'], 'blobGasUsed')),
    ...optional('excessBlobGas', optionalQuantity(object['excessBlobGas'], 'excessBlobGas')),
    ...optional('parentBeaconBlockRoot', optionalFixed('parentBeaconBlockRoot')),
    ...optional('requestsHash', optionalFixed('requestsHash')),
  }
}

/** The transaction in an `eth_getTransaction…` answer or a full block. `from` and `hash` are not believed: recompute them. */
export function transactionFromRpc(json: unknown): Transaction {
  const object = asObject(json, 'transaction')
  const type = transactionTypeFromRpc(object)
  switch (type) {
    case txType.legacy:
      return legacyTransaction(object)
    case txType.accessList:
      return { type: 1, ...typedFields(object), gasPrice: uint(object, 'gasPrice', 256) }
    case txType.feeMarket:
      return { type: 2, ...typedFields(object), ...feeFields(object) }
    case txType.blob:
      return {
        type: 3,
        ...typedFields(object),
        ...feeFields(object),
        maxFeePerBlobGas: uint(object, 'maxFeePerBlobGas', 256),
        blobVersionedHashes: asArray(object['blobVersionedHashes'], 'blobVersionedHashes').map((hash) =>
          asFixed(hash, 'blob versioned hash', 32),
        ),
      }
    case txType.setCode:
      return {
        type: 4,
        ...typedFields(object),
        ...feeFields(object),
        authorizationList: asArray(object['authorizationList'], 'authorizationList').map(authorization),
      }
    case txType.deposit:
      return depositTransaction(object)
    default:
      throw new FormatError(`unknown transaction type ${type}`)
  }
}

/** The type in a transaction's JSON; legacy ones may have none. */
export function transactionTypeFromRpc(json: unknown): number {
  const { type } = asObject(json, 'transaction')
  return isAbsent(type) ? txType.legacy : Number(uintQuantity(type, 'type', 8))
}

/** The receipt in an `eth_getTransactionReceipt` or `eth_getBlockReceipts` answer. */
export function receiptFromRpc(json: unknown): Receipt {
  const object = asObject(json, 'receipt')
  return {
    type: isAbsent(object['type']) ? 0 : Number(uintQuantity(object['type'], 'type', 7)),
    status: isAbsent(object['status']) ? asFixed(object['root'], 'root', 32) : receiptStatus(object['status']),
    cumulativeGasUsed: uint(object, 'cumulativeGasUsed', 64),
    bloom: asFixed(object['logsBloom'], 'logsBloom', 256),
    logs: asArray(object['logs'], 'logs').map(logFromRpc),
    ...optional('depositNonce', optionalQuantity(object['depositNonce'], 'depositNonce')),
    ...optional('depositReceiptVersion', optionalQuantity(object['depositReceiptVersion'], 'depositReceiptVersion')),
  }
}

/** The consensus fields of a log. */
export function logFromRpc(json: unknown): Log {
  const object = asObject(json, 'log')
  const topics = asArray(object['topics'], 'topics')
  if (topics.length > 4) throw new FormatError(`log with ${topics.length} topics`)
  return {
    address: asFixed(object['address'], 'log address', 20),
    topics: topics.map((topic) => asFixed(topic, 'log topic', 32)),
    data: asData(object['data'], 'log data', logDataBytesMax),
  }
}

function legacyTransaction(object: Json): Transaction {
  const v = uint(object, 'v', 72)
  const common = {
    type: 0 as const,
    ...callFields(object),
    gasPrice: uint(object, 'gasPrice', 256),
    r: uint(object, 'r', 256),
    s: uint(object, 's', 256),
  }
  if (v === 27n || v === 28n) return { ...common, yParity: v === 28n ? 1 : 0 }
  if (v < 35n) throw new FormatError(`legacy signature v ${v}`)
  return { ...common, chainId: (v - 35n) >> 1n, yParity: (v - 35n) % 2n === 1n ? 1 : 0 }
}

function depositTransaction(object: Json): Transaction {
  return {
    type: 0x7e,
    sourceHash: asFixed(object['sourceHash'], 'sourceHash', 32),
    from: asFixed(object['from'], 'from', 20),
    ...optional('to', target(object)),
    mint: optionalQuantity(object['mint'], 'mint', 256) ?? 0n,
    value: uint(object, 'value', 256),
    gasLimit: uint(object, 'gas', 64),
    isSystemTx: object['isSystemTx'] === true,
    data: calldata(object),
  }
}

function typedFields(object: Json) {
  return {
    chainId: uint(object, 'chainId', 64),
    ...callFields(object),
    accessList: isAbsent(object['accessList']) ? [] : asArray(object['accessList'], 'accessList').map(accessListEntry),
    yParity: yParity(object),
    r: uint(object, 'r', 256),
    s: uint(object, 's', 256),
  }
}

function feeFields(object: Json) {
  return {
    maxPriorityFeePerGas: uint(object, 'maxPriorityFeePerGas', 256),
    maxFeePerGas: uint(object, 'maxFeePerGas', 256),
  }
}

function callFields(object: Json) {
  return {
    nonce: uint(object, 'nonce', 64),
    gasLimit: uint(object, 'gas', 64),
    ...optional('to', target(object)),
    value: uint(object, 'value', 256),
    data: calldata(object),
  }
}

function accessListEntry(json: unknown): AccessListEntry {
  const object = asObject(json, 'access list entry')
  return {
    address: asFixed(object['address'], 'access list address', 20),
    storageKeys: asArray(object['storageKeys'], 'storageKeys').map((key) => asFixed(key, 'storage key', 32)),
  }
}

function authorization(json: unknown): Authorization {
  const object = asObject(json, 'authorization')
  return {
    chainId: uint(object, 'chainId', 256),
    address: asFixed(object['address'], 'authorization address', 20),
    nonce: uint(object, 'nonce', 64),
    yParity: uintQuantity(object['yParity'] ?? object['v'], 'authorization yParity', 8),
    r: uint(object, 'r', 256),
    s: uint(object, 's', 256),
  }
}

function yParity(object: Json): 0 | 1 {
  const parity = parseQuantity(object['yParity'] ?? object['v'], 'yParity')
  if (parity > 1n) throw new FormatError(`yParity ${parity}`)
  return parity === 1n ? 1 : 0
}

function receiptStatus(json: unknown): 0 | 1 {
  const status = parseQuantity(json, 'status')
  if (status > 1n) throw new FormatError(`receipt status ${status}`)
  return status === 1n ? 1 : 0
}

function target(object: Json): Uint8Array | undefined {
  return isAbsent(object['to']) ? undefined : asFixed(object['to'], 'to', 20)
}

function calldata(object: Json): Uint8Array {
  const data = object['input'] ?? object['data']
  return isAbsent(data) ? emptyBytes : asData(data, 'input', transactionDataBytesMax)
}

function uint(object: Json, key: string, bits: number): bigint {
  return uintQuantity(object[key], key, bits)
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null
}
