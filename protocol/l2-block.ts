import { blockFeeParams, encodeEip1559Params } from './base-fee.ts'
import type { L2BlockRef } from './block-ref.ts'
import { FormatError, type Hex } from './bytes.ts'
import type { ExecutionPayload } from './engine-api.ts'
import { activatesAt } from './hardforks.ts'
import { decodeL1Info, encodeFeeScalars, encodeOperatorFeeParams, type L1Info } from './l1-info.ts'
import type { RollupConfig } from './rollup-config.ts'
import type { SystemConfig } from './system-config.ts'
import { decodeTransaction, txType } from './transaction.ts'
import { karstUpgradeGas } from './upgrade-txs.ts'

/** The fields of a payload that tell its place in both chains. */
export type L2Block = Pick<
  ExecutionPayload,
  'blockHash' | 'blockNumber' | 'parentHash' | 'timestamp' | 'transactions' | 'gasLimit' | 'extraData'
>

/** Reference of an L2 block, with the L1 origin its first transaction names. Throws {@link FormatError}. */
export function l2BlockRef(config: RollupConfig, block: Omit<L2Block, 'gasLimit' | 'extraData'>): L2BlockRef {
  const ref = {
    hash: block.blockHash,
    number: block.blockNumber,
    parentHash: block.parentHash,
    timestamp: block.timestamp,
  }
  if (isGenesis(config, block)) return { ...ref, l1Origin: config.genesis.l1, sequenceNumber: 0n }
  const info = l1InfoOfBlock(block)
  return { ...ref, l1Origin: { hash: info.blockHash, number: info.number }, sequenceNumber: info.sequenceNumber }
}

/** The system config in force after an L2 block, read back from the block itself. Source: op-node's `PayloadToSystemConfig`. */
export function systemConfigOfPayload(config: RollupConfig, block: L2Block): SystemConfig {
  if (isGenesis(config, block)) return config.genesis.systemConfig
  const info = l1InfoOfBlock(block)
  const params = blockFeeParams(config.forkTimes, block.extraData, block.timestamp)
  return {
    batcherAddr: info.batcherAddr,
    overhead: info.overhead,
    scalar: info.format === 'bedrock' ? info.scalar : encodeFeeScalars(info),
    gasLimit: block.gasLimit - raisedGas(config, block.timestamp),
    eip1559Params: params === undefined ? zeroParams : encodeEip1559Params(params),
    operatorFeeParams: encodeOperatorFeeParams(info.operatorFeeScalar, info.operatorFeeConstant),
    minBaseFee: params?.minBaseFee ?? 0n,
    daFootprintGasScalar: info.daFootprintGasScalar,
  }
}

/** The L1 attributes in a block's first transaction. Throws {@link FormatError} where that is none. */
export function l1InfoOfBlock(block: Pick<L2Block, 'transactions' | 'blockHash'>): L1Info {
  const [first] = block.transactions
  if (first === undefined) throw new FormatError(`L2 block ${block.blockHash} has no L1 attributes transaction`)
  if (first[0] !== txType.deposit)
    throw new FormatError(`first transaction of L2 block ${block.blockHash} is no deposit`)
  return decodeL1Info(decodeTransaction(first).data)
}

const zeroParams: Hex = '0x0000000000000000'

function isGenesis(config: RollupConfig, block: Pick<L2Block, 'blockNumber' | 'blockHash'>): boolean {
  const { l2 } = config.genesis
  if (block.blockNumber !== l2.number) return false
  if (block.blockHash !== l2.hash) throw new FormatError(`L2 genesis is ${block.blockHash}, the config says ${l2.hash}`)
  return true
}

/** Karst's activation block has room for the upgrade transactions on top of the system config's limit. */
function raisedGas(config: RollupConfig, timestamp: bigint): bigint {
  const isActivation = activatesAt(config.forkTimes, 'karst', timestamp, timestamp - config.blockTime)
  return isActivation && config.keepKarstUpgradeGas !== true ? karstUpgradeGas : 0n
}
