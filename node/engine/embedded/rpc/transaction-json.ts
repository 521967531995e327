import { bytesToHex, type Hex, quantity } from '../../../../protocol/bytes.ts'
import { keccakHex } from '../../../../protocol/keccak.ts'
import { type DepositTx, decodeTransaction, type SignedTx, txType } from '../../../../protocol/transaction.ts'
import type { PooledTransaction, StoredBlock, StoredReceipt } from '../chain-view.ts'
import { feeCap, tipCap } from '../txpool/validate.ts'

/** A transaction of a block as JSON-RPC shows it. */
export function minedTransactionJson(
  block: StoredBlock,
  index: number,
  receipt: StoredReceipt | undefined,
): Record<string, unknown> | undefined {
  const raw = block.transactions[index]
  if (raw === undefined || receipt === undefined) return undefined
  const tx = decodeTransaction(raw)
  const place = {
    blockHash: block.hash,
    blockNumber: quantity(block.header.number),
    blockTimestamp: quantity(block.header.timestamp),
    transactionIndex: quantity(index),
  }
  const common = { hash: keccakHex(raw), from: bytesToHex(receipt.from) }
  if (tx.type === txType.deposit) return { ...place, ...common, ...depositJson(tx, receipt) }
  return { ...place, ...common, ...signedJson(tx), gasPrice: quantity(receipt.effectiveGasPrice) }
}

/** A transaction that waits in the pool. */
export function pooledTransactionJson({ tx, hash, sender }: PooledTransaction): Record<string, unknown> {
  const place = { blockHash: null, blockNumber: null, blockTimestamp: null, transactionIndex: null }
  return { ...place, hash, from: bytesToHex(sender), ...signedJson(tx), gasPrice: quantity(feeCap(tx)) }
}

/** op-geth's `RPCTransaction` of a deposit: the nonce is that of the receipt, the signature is zero. */
function depositJson(tx: DepositTx, { receipt }: StoredReceipt): Record<string, unknown> {
  return {
    type: quantity(txType.deposit),
    nonce: quantity(receipt.depositNonce ?? 0n),
    gas: quantity(tx.gasLimit),
    gasPrice: '0x0',
    to: addressOrNull(tx.to),
    value: quantity(tx.value),
    input: bytesToHex(tx.data),
    sourceHash: bytesToHex(tx.sourceHash),
    ...(tx.isSystemTx ? { isSystemTx: true } : {}),
    mint: quantity(tx.mint),
    ...(receipt.depositReceiptVersion === undefined
      ? {}
      : { depositReceiptVersion: quantity(receipt.depositReceiptVersion) }),
    v: '0x0',
    r: '0x0',
    s: '0x0',
  }
}

function signedJson(tx: SignedTx): Record<string, unknown> {
  const base = {
    type: quantity(tx.type),
    nonce: quantity(tx.nonce),
    gas: quantity(tx.gasLimit),
    to: addressOrNull(tx.to),
    value: quantity(tx.value),
    input: bytesToHex(tx.data),
    ...(tx.chainId === undefined ? {} : { chainId: quantity(tx.chainId) }),
    r: quantity(tx.r),
    s: quantity(tx.s),
  }
  if (tx.type === txType.legacy) return { ...base, v: legacyV(tx.chainId, tx.yParity) }
  const parity = { v: quantity(tx.yParity), yParity: quantity(tx.yParity) }
  const accessList = tx.accessList.map(({ address, storageKeys }) => ({
    address: bytesToHex(address),
    storageKeys: storageKeys.map(bytesToHex),
  }))
  if (tx.type === txType.accessList) return { ...base, ...parity, accessList }
  const fees = { maxFeePerGas: quantity(feeCap(tx)), maxPriorityFeePerGas: quantity(tipCap(tx)) }
  return { ...base, ...parity, accessList, ...fees, ...authorizationsJson(tx) }
}

function authorizationsJson(tx: SignedTx): Record<string, unknown> {
  if (tx.type !== txType.setCode) return {}
  const authorizationList = tx.authorizationList.map((entry) => ({
    chainId: quantity(entry.chainId),
    address: bytesToHex(entry.address),
    nonce: quantity(entry.nonce),
    yParity: quantity(entry.yParity),
    r: quantity(entry.r),
    s: quantity(entry.s),
  }))
  return { authorizationList }
}

/** EIP-155's v. */
function legacyV(chainId: bigint | undefined, yParity: 0 | 1): Hex {
  return quantity(chainId === undefined ? 27n + BigInt(yParity) : 35n + 2n * chainId + BigInt(yParity))
}

function addressOrNull(address: Uint8Array | undefined): Hex | null {
  return address === undefined ? null : bytesToHex(address)
}
