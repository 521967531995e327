import { bytesToHex, FormatError } from '../../../../protocol/bytes.ts'
import { type ForkTimes, isActive } from '../../../../protocol/hardforks.ts'
import { keccakHex } from '../../../../protocol/keccak.ts'
import {
  decodeTransaction,
  type SignedTx,
  type Transaction,
  transactionSender,
  txType,
} from '../../../../protocol/transaction.ts'
import type { PooledTransaction } from '../chain-view.ts'
import { floorDataGas, initCodeBytesMax, intrinsicGas } from '../intrinsic-gas.ts'
import { transactionBytesMax } from './limits.ts'
import { PoolError } from './pool-error.ts'

/** What the next block allows. */
export type PoolRules = {
  readonly chainId: bigint
  readonly forkTimes: ForkTimes
  /** Of the block the transaction may go into. */
  readonly timestamp: bigint
  readonly gasLimit: bigint
}

/** Gas one transaction may have from Karst on (EIP-7825). */
export const transactionGasMax = 16_777_216n

/** The checks that need no state: form, signature, gas. Throws {@link PoolError}. */
export function checkTransaction(raw: Uint8Array, rules: PoolRules): PooledTransaction {
  if (raw.length > transactionBytesMax) {
    throw new PoolError('oversized', `oversized data: transaction size ${raw.length}, limit ${transactionBytesMax}`)
  }
  const tx = supported(decode(raw), rules)
  checkFields(tx, rules)
  checkGas(tx, rules)
  return { raw, tx, hash: keccakHex(raw), sender: recover(tx) }
}

function decode(raw: Uint8Array): Transaction {
  const type = raw[0] ?? 0
  if (raw.length > 0 && type < 0xc0 && !Object.values<number>(txType).includes(type)) throw unsupported(type)
  try {
    return decodeTransaction(raw)
  } catch (cause) {
    // A blob transaction with its sidecar is a list of lists: it fails to decode, but the reason to give is its type.
    if (type === txType.blob) throw unsupported(type)
    if (cause instanceof FormatError) throw new PoolError('malformed', `rlp: ${cause.message}`, { cause })
    throw cause
  }
}

function supported(tx: Transaction, rules: PoolRules): SignedTx {
  if (tx.type === txType.deposit || tx.type === txType.blob) throw unsupported(tx.type)
  if (tx.type === txType.setCode && !isActive(rules.forkTimes, 'isthmus', rules.timestamp)) throw unsupported(tx.type)
  return tx
}

function checkFields(tx: SignedTx, rules: PoolRules): void {
  if (tx.chainId === undefined) {
    throw new PoolError('wrong-chain', 'only replay-protected (EIP-155) transactions allowed over RPC')
  }
  if (tx.chainId !== rules.chainId) {
    throw new PoolError('wrong-chain', `invalid chain id for signer: have ${tx.chainId} want ${rules.chainId}`)
  }
  if (tx.nonce >= 2n ** 64n - 1n) throw new PoolError('invalid-fields', 'nonce has max value')
  if (tipCap(tx) > feeCap(tx)) {
    throw new PoolError(
      'invalid-fields',
      `max priority fee per gas higher than max fee per gas: tip ${tipCap(tx)}, fee cap ${feeCap(tx)}`,
    )
  }
  if (tx.type === txType.setCode && tx.authorizationList.length === 0) {
    throw new PoolError('invalid-fields', 'EIP-7702 transaction with empty auth list')
  }
  const limitsInitCode = isActive(rules.forkTimes, 'canyon', rules.timestamp)
  if (tx.to === undefined && limitsInitCode && tx.data.length > initCodeBytesMax) {
    throw new PoolError(
      'invalid-fields',
      `max initcode size exceeded: code size ${tx.data.length}, limit ${initCodeBytesMax}`,
    )
  }
}

function checkGas(tx: SignedTx, rules: PoolRules): void {
  if (tx.gasLimit > rules.gasLimit) throw new PoolError('gas-limit', 'exceeds block gas limit')
  if (isActive(rules.forkTimes, 'karst', rules.timestamp) && tx.gasLimit > transactionGasMax) {
    throw new PoolError('gas-limit', `transaction gas limit too high (cap: ${transactionGasMax}, tx: ${tx.gasLimit})`)
  }
  const intrinsic = intrinsicGas(tx, rules.forkTimes, rules.timestamp)
  if (tx.gasLimit < intrinsic) {
    throw new PoolError('intrinsic-gas', `intrinsic gas too low: gas ${tx.gasLimit}, minimum needed ${intrinsic}`)
  }
  const floor = floorDataGas(tx.data, rules.forkTimes, rules.timestamp)
  if (tx.gasLimit < floor) {
    throw new PoolError(
      'intrinsic-gas',
      `insufficient gas for floor data gas cost: gas ${tx.gasLimit}, minimum needed ${floor}`,
    )
  }
}

function recover(tx: SignedTx): Uint8Array {
  try {
    return transactionSender(tx)
  } catch (cause) {
    throw new PoolError('invalid-signature', 'invalid sender', { cause })
  }
}

/** Most a transaction pays per gas. */
export function feeCap(tx: SignedTx): bigint {
  return 'maxFeePerGas' in tx ? tx.maxFeePerGas : tx.gasPrice
}

/** Most a transaction pays per gas above the base fee. */
export function tipCap(tx: SignedTx): bigint {
  return 'maxPriorityFeePerGas' in tx ? tx.maxPriorityFeePerGas : tx.gasPrice
}

/** What the block's fee recipient gets per gas; negative where the fee cap lies below the base fee. */
export function effectiveTip(tx: SignedTx, baseFee: bigint): bigint {
  const left = feeCap(tx) - baseFee
  const tip = tipCap(tx)
  return left < tip ? left : tip
}

function unsupported(type: number): PoolError {
  return new PoolError(
    'type-not-supported',
    `transaction type not supported: type ${bytesToHex(Uint8Array.of(type))} cannot be sent to this chain`,
  )
}
