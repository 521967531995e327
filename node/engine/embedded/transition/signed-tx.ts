import { bytesToHex } from '../../../../protocol/bytes.ts'
import { type SignedTx, txType } from '../../../../protocol/transaction.ts'
import type { DataFees } from '../chain-view.ts'
import { floorDataGas, initCodeBytesMax, intrinsicGas } from '../intrinsic-gas.ts'
import { baseFeeVault, l1FeeVault, operatorFeeVault } from './addresses.ts'
import { applyAuthorizations, delegateOf } from './authorizations.ts'
import type { BlockEnv, GasPool } from './block-env.ts'
import { abandon, begin, credit, runMessage, settle } from './message.ts'
import { TxError, type TxOutcome } from './outcome.ts'
import { cappedRefund } from './refund.ts'

/** Gas one transaction may have from Karst on. Source: EIP-7825. */
const transactionGasMax = 16_777_216n

const nonceMax = 2n ** 64n - 1n

/** A signed transaction with its sender recovered and its bytes at hand. */
export type RecoveredTx = { readonly tx: SignedTx; readonly sender: Uint8Array; readonly raw: Uint8Array }

/**
 * Executes a signed transaction with the OP Stack's fees: base fee, L1 data fee and operator fee go to their vaults.
 * Throws {@link TxError}, the state untouched, where it cannot be in this block.
 * Specs: protocol/exec-engine.md, "Fees"; op-geth `state_transition.go`.
 */
export async function executeSigned(
  env: BlockEnv,
  pool: GasPool,
  recovered: RecoveredTx,
  dataFees: DataFees,
): Promise<TxOutcome> {
  const { tx, sender, raw } = recovered
  const { state, times, timestamp } = env
  const price = checkPrice(env, tx)
  checkSender(env, tx, sender)
  const intrinsic = intrinsicGas(gasMessage(tx), times, timestamp)
  const floor = floorDataGas(tx.data, times, timestamp)
  checkGas(env, tx, intrinsic, floor)
  const l1Cost = dataFees.l1Cost(raw)
  const operatorFeeMax = dataFees.operatorFee(tx.gasLimit)
  const balance = state.balance(sender)
  const most = tx.gasLimit * feeCap(tx) + tx.value + l1Cost + operatorFeeMax
  if (balance < most) {
    throw new TxError('unpayable', `insufficient funds: ${bytesToHex(sender)} has ${balance}, needs ${most}`)
  }
  if (!pool.take(tx.gasLimit)) throw new TxError('block-full', `gas limit reached: ${tx.gasLimit} of ${pool.left} left`)
  await begin(env)
  try {
    state.updateAccount(sender, {
      balance: balance - tx.gasLimit * price - l1Cost - operatorFeeMax,
      nonce: tx.nonce + 1n,
    })
    const { authorities, refund: authorizationRefund } =
      tx.type === txType.setCode ? applyAuthorizations(env, tx.authorizationList) : noAuthorizations
    const delegate = tx.to === undefined ? undefined : delegateOf(env.rules.isthmus ? state.code(tx.to) : noCode)
    const outcome = await runMessage(env, {
      from: sender,
      to: tx.to,
      value: tx.value,
      data: tx.data,
      gas: tx.gasLimit - intrinsic,
      gasPrice: price,
      accessList: tx.type === txType.legacy ? [] : tx.accessList,
      warm: delegate === undefined ? authorities : [...authorities, delegate],
    })
    const used = intrinsic + outcome.gasUsed
    const net = used - cappedRefund(used, outcome.refund + authorizationRefund)
    const gasUsed = net > floor ? net : floor
    const operatorFee = dataFees.operatorFee(gasUsed)
    await credit(env, sender, (tx.gasLimit - gasUsed) * price + operatorFeeMax - operatorFee)
    await credit(env, env.coinbase, gasUsed * (price - env.baseFee))
    await credit(env, baseFeeVault, gasUsed * env.baseFee)
    await credit(env, l1FeeVault, l1Cost)
    if (env.rules.isthmus) await credit(env, operatorFeeVault, operatorFee)
    await settle(env, outcome.destructed)
    pool.giveBack(tx.gasLimit - gasUsed)
    return {
      status: outcome.status,
      gasUsed,
      output: outcome.output,
      logs: outcome.logs,
      error: outcome.error,
      contractAddress: outcome.created,
      effectiveGasPrice: price,
    }
  } catch (error) {
    abandon(env)
    pool.giveBack(tx.gasLimit)
    throw error
  }
}

/** The price of a unit of gas at that base fee. Source: EIP-1559. */
export function effectiveGasPrice(tx: SignedTx, baseFee: bigint): bigint {
  if (tx.type === txType.legacy || tx.type === txType.accessList) return tx.gasPrice
  const tipped = baseFee + tx.maxPriorityFeePerGas
  return tipped < tx.maxFeePerGas ? tipped : tx.maxFeePerGas
}

function checkPrice(env: BlockEnv, tx: SignedTx): bigint {
  if (tx.type === txType.blob) throw new TxError('invalid', 'blob transactions are not supported on the L2')
  if (tx.type === txType.setCode && !env.rules.isthmus) throw new TxError('invalid', 'set-code before Isthmus')
  if (tx.chainId !== undefined && tx.chainId !== env.chainId) throw new TxError('invalid', `chain id ${tx.chainId}`)
  const isDynamic = tx.type === txType.feeMarket || tx.type === txType.setCode
  if (isDynamic && tx.maxPriorityFeePerGas > tx.maxFeePerGas) throw new TxError('invalid', 'tip above the fee cap')
  if (feeCap(tx) < env.baseFee) {
    throw new TxError('unpayable', `max fee per gas ${feeCap(tx)} less than block base fee ${env.baseFee}`)
  }
  return effectiveGasPrice(tx, env.baseFee)
}

function checkSender(env: BlockEnv, tx: SignedTx, sender: Uint8Array): void {
  const nonce = env.state.nonce(sender)
  if (tx.nonce < nonce) throw new TxError('stale', `nonce too low: ${tx.nonce}, account has ${nonce}`)
  if (tx.nonce > nonce) throw new TxError('nonce-gap', `nonce too high: ${tx.nonce}, account has ${nonce}`)
  if (nonce >= nonceMax) throw new TxError('invalid', 'nonce has its greatest value')
  const code = env.state.code(sender)
  const isDelegated = env.rules.isthmus && delegateOf(code) !== undefined
  if (code.length > 0 && !isDelegated) throw new TxError('invalid', 'sender has code (EIP-3607)')
}

function checkGas(env: BlockEnv, tx: SignedTx, intrinsic: bigint, floor: bigint): void {
  if (tx.gasLimit < intrinsic) throw new TxError('invalid', `intrinsic gas too low: ${tx.gasLimit} of ${intrinsic}`)
  if (tx.gasLimit < floor) throw new TxError('invalid', `less than the floor of its data: ${tx.gasLimit} of ${floor}`)
  if (env.rules.karst && tx.gasLimit > transactionGasMax) throw new TxError('invalid', `gas limit ${tx.gasLimit}`)
  if (tx.to === undefined && env.rules.canyon && tx.data.length > initCodeBytesMax) {
    throw new TxError('invalid', `initcode of ${tx.data.length} bytes`)
  }
  if (tx.type === txType.setCode && tx.authorizationList.length === 0) {
    throw new TxError('invalid', 'empty authorization list')
  }
}

function feeCap(tx: SignedTx): bigint {
  return tx.type === txType.legacy || tx.type === txType.accessList ? tx.gasPrice : tx.maxFeePerGas
}

function gasMessage(tx: SignedTx) {
  return {
    to: tx.to,
    data: tx.data,
    accessList: tx.type === txType.legacy ? undefined : tx.accessList,
    authorizationList: tx.type === txType.setCode ? tx.authorizationList : undefined,
  }
}

const noAuthorizations = { authorities: [] as Uint8Array[], refund: 0n }
const noCode = new Uint8Array(0)
