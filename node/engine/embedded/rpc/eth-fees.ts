import { RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import type { RpcMethods } from '../../../../common/json-rpc-server.ts'
import { FormatError, quantity } from '../../../../protocol/bytes.ts'
import { decodeTransaction, txType } from '../../../../protocol/transaction.ts'
import type { ChainView, StoredBlock } from '../chain-view.ts'
import { effectiveTip } from '../txpool/validate.ts'
import { blockParam, requireHeader } from './block-param.ts'
import { feeHistoryBlocksMax, feeHistoryPercentilesMax } from './limits.ts'
import { listParam, optional, uint64Param } from './params.ts'
import type { RpcParts } from './rpc-parts.ts'
import { Turns } from './turns.ts'

/** Tip suggested while blocks have room; op-geth's `MinSuggestedPriorityFee`. */
export const suggestedTipMin = 1_000_000n

/** eth_gasPrice, eth_maxPriorityFeePerGas, eth_blobBaseFee and eth_feeHistory. */
export function ethFeeMethods({ chain }: Pick<RpcParts, 'chain'>): RpcMethods {
  return {
    eth_gasPrice: () => quantity(chain.nextBaseFee() + suggestedTip(chain)),
    eth_maxPriorityFeePerGas: () => quantity(suggestedTip(chain)),
    // BLOBBASEFEE reads 1 on the OP Stack: there are no blobs to price.
    eth_blobBaseFee: () => '0x1',
    eth_baseFee: () => quantity(chain.nextBaseFee()),
    eth_feeHistory: async ([count, newest, percentiles]) => {
      const last = requireHeader(chain, blockParam(newest)).header.number
      const wanted = blockCount(count)
      if (wanted === 0n) return { oldestBlock: '0x0', gasUsedRatio: null }
      const length = wanted > last + 1n ? last + 1n : wanted
      return await feeHistory(chain, last, length, optional(percentiles, percentilesParam))
    },
  }
}

/**
 * The least tip while blocks have room; in a full block's wake a tenth above its median tip.
 * Source: op-geth `SuggestOptimismPriorityFee`.
 */
function suggestedTip(chain: Pick<ChainView, 'head' | 'receiptsByHash'>): bigint {
  const block = chain.head('latest')
  if (block === undefined) return suggestedTipMin
  const receipts = chain.receiptsByHash(block.hash) ?? []
  const largest = receipts.reduce((max, { gasUsed }) => (gasUsed > max ? gasUsed : max), 0n)
  if (block.header.gasUsed + largest <= block.header.gasLimit) return suggestedTipMin
  const sorted = tips(block).sort((a, b) => (a < b ? -1 : 1))
  const median = sorted[sorted.length >> 1] ?? 0n
  const raised = median + median / 10n
  return raised > suggestedTipMin ? raised : suggestedTipMin
}

function tips(block: StoredBlock): bigint[] {
  return block.transactions.flatMap((raw) => {
    const tx = decodeTransaction(raw)
    return tx.type === txType.deposit ? [] : [effectiveTip(tx, block.header.baseFeePerGas ?? 0n)]
  })
}

async function feeHistory(
  chain: ChainView,
  last: bigint,
  length: bigint,
  percentiles: readonly number[] | undefined,
): Promise<Record<string, unknown>> {
  const oldest = last + 1n - length
  const numbers = Array.from({ length: Number(length) }, (_, i) => oldest + BigInt(i))
  const headers = numbers.map((number) => requireHeader(chain, { number }).header)
  const after = chain.headerByNumber(last + 1n)?.header.baseFeePerGas ?? chain.nextBaseFee()
  const baseFees = [...headers.map(({ baseFeePerGas }) => baseFeePerGas ?? 0n), after]
  const reward: string[][] = []
  const turns = new Turns()
  for (const number of percentiles === undefined || percentiles.length === 0 ? [] : numbers) {
    reward.push(rewards(chain, number, percentiles ?? []))
    await turns.next()
  }
  return {
    oldestBlock: quantity(oldest),
    baseFeePerGas: baseFees.map(quantity),
    gasUsedRatio: headers.map(({ gasUsed, gasLimit }) => (gasLimit === 0n ? 0 : Number(gasUsed) / Number(gasLimit))),
    baseFeePerBlobGas: baseFees.map(() => '0x1'),
    blobGasUsedRatio: headers.map(() => 0),
    ...(reward.length === 0 ? {} : { reward }),
  }
}

/** Effective tips of a block's transactions at those percentiles of its gas; a deposit's is 0. Source: op-geth `gasprice`. */
function rewards(chain: ChainView, number: bigint, percentiles: readonly number[]): string[] {
  const block = chain.blockByNumber(number)
  const receipts = block === undefined ? undefined : chain.receiptsByHash(block.hash)
  if (block === undefined || receipts === undefined) throw new RpcError(rpcCodes.server, 'header not found')
  const baseFee = block.header.baseFeePerGas ?? 0n
  const paid = receipts
    .map(({ gasUsed, effectiveGasPrice, receipt }) => ({
      gasUsed,
      tip: receipt.type === txType.deposit ? 0n : effectiveGasPrice - baseFee,
    }))
    .sort((a, b) => (a.tip < b.tip ? -1 : 1))
  const total = paid.reduce((sum, { gasUsed }) => sum + gasUsed, 0n)
  return percentiles.map((percentile) => {
    let rest = (total * BigInt(Math.round(percentile * 1000))) / 100_000n
    const at = paid.find(({ gasUsed }) => {
      rest -= gasUsed
      return rest <= 0n
    })
    return quantity(at?.tip ?? 0n)
  })
}

function blockCount(value: unknown): bigint {
  // Some clients send a plain number here; geth takes both.
  const count =
    typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : uint64Param(value, 'blockCount')
  return count > feeHistoryBlocksMax ? feeHistoryBlocksMax : count
}

function percentilesParam(value: unknown): number[] {
  let previous = 0
  return listParam(value, 'reward percentiles', feeHistoryPercentilesMax).map((item) => {
    if (typeof item !== 'number' || !(item >= previous && item <= 100)) {
      throw new FormatError('reward percentiles must be numbers from 0 to 100, ascending')
    }
    previous = item
    return item
  })
}
