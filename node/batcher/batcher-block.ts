import type { L2BlockRef } from '../../protocol/block-ref.ts'
import { FormatError } from '../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import { decodeL1Info } from '../../protocol/l1-info.ts'
import { l2BlockRef } from '../../protocol/l2-block.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { decodeTransaction, txType } from '../../protocol/transaction.ts'

/** An L2 block as the batcher posts it: deposits stay out, L1 has them already. */
export type BatcherBlock = {
  readonly ref: L2BlockRef
  /** Timestamp of its L1 origin, which decides what kind of batch may carry it. */
  readonly l1OriginTime: bigint
  readonly transactions: readonly Uint8Array[]
  /** Sum of the transactions' lengths. */
  readonly bytes: number
}

/** Throws {@link FormatError} for a block that does not begin with the L1-info deposit. */
export function batcherBlock(config: RollupConfig, envelope: PayloadEnvelope): BatcherBlock {
  const payload = envelope.executionPayload
  const first = payload.transactions[0]
  const deposit = first === undefined ? undefined : decodeTransaction(first)
  if (deposit?.type !== txType.deposit) throw new FormatError(`block ${payload.blockNumber} has no L1-info deposit`)
  const transactions = payload.transactions.filter((raw) => raw[0] !== txType.deposit)
  return {
    ref: l2BlockRef(config, payload),
    l1OriginTime: decodeL1Info(deposit.data).timestamp,
    transactions,
    bytes: transactions.reduce((sum, raw) => sum + raw.length, 0),
  }
}
