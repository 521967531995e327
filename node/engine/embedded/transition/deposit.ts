import { emptyBytes } from '../../../../protocol/bytes.ts'
import type { DepositTx } from '../../../../protocol/transaction.ts'
import { floorDataGas, initCodeBytesMax, intrinsicGas } from '../intrinsic-gas.ts'
import type { BlockEnv, GasPool } from './block-env.ts'
import { abandon, begin, credit, type MessageOutcome, runMessage, settle } from './message.ts'
import { TxError, type TxOutcome } from './outcome.ts'
import { cappedRefund } from './refund.ts'

/**
 * Executes a deposit. It cannot be refused: what makes another transaction invalid makes a deposit fail, with the mint
 * kept, the nonce raised and all of its gas used. Only a lack of block gas invalidates the block.
 * Spec: protocol/deposits.md, "Execution"; op-geth `state_transition.go`.
 */
export async function executeDeposit(env: BlockEnv, pool: GasPool, tx: DepositTx): Promise<TxOutcome> {
  const { rules, state } = env
  if (tx.mint > 0n) await mint(env, tx)
  const nonce = state.nonce(tx.from)
  const isFreeSystemTx = tx.isSystemTx && !rules.regolith
  // From Regolith a system transaction is not supported: it fails before it takes gas from the block.
  const isRefusedSystemTx = tx.isSystemTx && rules.regolith
  if (!tx.isSystemTx && !pool.take(tx.gasLimit)) throw new TxError('block-full', 'gas limit reached by a deposit')
  const outcome = isRefusedSystemTx || isUnexecutable(env, tx) ? undefined : await run(env, tx)
  if (outcome === undefined) {
    state.updateAccount(tx.from, { nonce: nonce + 1n })
    return {
      status: 0,
      gasUsed: isFreeSystemTx ? 0n : tx.gasLimit,
      output: emptyBytes,
      logs: [],
      error: 'failed deposit',
      effectiveGasPrice: 0n,
      ...(rules.regolith ? { depositNonce: nonce } : {}),
    }
  }
  const gasUsed = depositGasUsed(env, tx, outcome)
  if (!tx.isSystemTx && rules.regolith) pool.giveBack(tx.gasLimit - gasUsed)
  return {
    status: outcome.status,
    gasUsed,
    output: outcome.output,
    logs: outcome.logs,
    error: outcome.error,
    // Known from the nonce alone, so also there where the creation failed.
    contractAddress: outcome.created,
    effectiveGasPrice: 0n,
    ...(rules.regolith ? { depositNonce: nonce } : {}),
  }
}

/** Kept whatever becomes of the deposit. */
async function mint(env: BlockEnv, tx: DepositTx): Promise<void> {
  await begin(env)
  await credit(env, tx.from, tx.mint)
  await settle(env, [])
}

function isUnexecutable(env: BlockEnv, tx: DepositTx): boolean {
  const { rules, times, timestamp } = env
  return (
    tx.gasLimit < intrinsicGas(tx, times, timestamp) ||
    tx.gasLimit < floorDataGas(tx.data, times, timestamp) ||
    tx.value > env.state.balance(tx.from) ||
    (tx.to === undefined && rules.canyon && tx.data.length > initCodeBytesMax)
  )
}

async function run(env: BlockEnv, tx: DepositTx): Promise<MessageOutcome> {
  await begin(env)
  try {
    env.state.updateAccount(tx.from, { nonce: env.state.nonce(tx.from) + 1n })
    const outcome = await runMessage(env, {
      from: tx.from,
      to: tx.to,
      value: tx.value,
      data: tx.data,
      gas: tx.gasLimit - intrinsicGas(tx, env.times, env.timestamp),
      gasPrice: 0n,
      accessList: [],
      warm: [],
    })
    await settle(env, outcome.destructed)
    return outcome
  } catch (error) {
    abandon(env)
    throw error
  }
}

/** Before Regolith a deposit uses all of its gas, and a system transaction none. Gas is free, but it is counted. */
function depositGasUsed(env: BlockEnv, tx: DepositTx, outcome: MessageOutcome): bigint {
  if (!env.rules.regolith) return tx.isSystemTx ? 0n : tx.gasLimit
  const used = intrinsicGas(tx, env.times, env.timestamp) + outcome.gasUsed
  const net = used - cappedRefund(used, outcome.refund)
  const floor = floorDataGas(tx.data, env.times, env.timestamp)
  return net > floor ? net : floor
}
