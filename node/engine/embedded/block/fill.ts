import type { PooledTransaction, TransactionSource } from '../chain-view.ts'
import { TxError } from '../transition/outcome.ts'
import type { BlockExecution } from './block-execution.ts'

/** Bytes of estimated compressed data one block, and one transaction, may carry; 0 stands for no limit. Source: op-geth `miner_setMaxDASize`. */
export type DaLimits = { readonly blockBytes: bigint; readonly transactionBytes: bigint }

/** Gas below which no transaction fits any more. */
const transactionGasMin = 21_000n

/** Transactions executed before others get a turn on the thread: a few milliseconds. */
const transactionsPerTurn = 16

/**
 * Executes transactions of the pool, best first, until none fits, `deadline` (of performance.now) is over or `isStopped`.
 * A sender whose transaction has no place now is passed over for this block. Returns how many were taken.
 */
export async function fillBlock(
  execution: BlockExecution,
  source: TransactionSource,
  limits: DaLimits,
  deadline: number,
  isStopped: () => boolean = () => false,
): Promise<number> {
  const candidates = source.pending(execution.env.baseFee)
  let taken = 0
  let tried = 0
  for (const candidate of candidates) {
    if (execution.gasLeft < transactionGasMin || performance.now() > deadline || isStopped()) break
    const refusal = await tryTransaction(execution, candidate, limits)
    if (refusal === undefined) taken++
    else {
      if (refusal === 'invalid') source.removed(candidate.hash, refusal)
      if (refusal !== 'stale') candidates.skipSender(candidate.sender)
    }
    if (++tried % transactionsPerTurn === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return taken
}

async function tryTransaction(
  execution: BlockExecution,
  candidate: PooledTransaction,
  limits: DaLimits,
): Promise<TxError['code'] | undefined> {
  const { raw, tx, sender } = candidate
  if (tx.gasLimit > execution.env.gasLimit) return 'invalid'
  if (!fitsData(execution, raw, limits)) return 'block-full'
  try {
    await execution.execute({ raw, tx, sender })
    return undefined
  } catch (error) {
    if (error instanceof TxError) return error.code
    throw error
  }
}

function fitsData(execution: BlockExecution, raw: Uint8Array, limits: DaLimits): boolean {
  if (limits.blockBytes === 0n && limits.transactionBytes === 0n) return true
  const bytes = execution.fees().estimatedBytes(raw)
  if (limits.transactionBytes > 0n && bytes > limits.transactionBytes) return false
  return limits.blockBytes === 0n || execution.dataBytes + bytes <= limits.blockBytes
}
