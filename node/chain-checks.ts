import type { L1BlockRef } from '../protocol/block-ref.ts'
import { bytesToHex } from '../protocol/bytes.ts'
import type { Genesis } from '../protocol/genesis-file.ts'
import { type ForkTimes, hardforks } from '../protocol/hardforks.ts'
import { type Header, headerHash } from '../protocol/header.ts'
import type { RollupConfig } from '../protocol/rollup-config.ts'
import { NodeError } from './node-error.ts'

/** The genesis file must be of the chain that the rollup config describes. Throws NodeError. */
export function checkGenesis(config: RollupConfig, genesis: Genesis, header: Header): void {
  if (genesis.chainId !== config.l2ChainId) {
    throw new NodeError(
      'wrong-chain',
      `genesis.json is of chain ${genesis.chainId}, the rollup config of chain ${config.l2ChainId}`,
    )
  }
  const hash = bytesToHex(headerHash(header))
  if (hash !== config.genesis.l2.hash) {
    throw new NodeError(
      'wrong-genesis',
      `genesis.json has the block hash ${hash}, the rollup config says ${config.genesis.l2.hash}`,
    )
  }
  const fork = differingFork(genesis.forkTimes, config.forkTimes)
  if (fork !== undefined) {
    throw new NodeError('wrong-genesis', `genesis.json and the rollup config differ in the time of ${fork}`)
  }
}

/** Throws NodeError where `actual` is not the chain id that the rollup config gives for that side. */
export function checkChainId(side: 'L1' | 'engine', expected: bigint, actual: bigint): void {
  if (actual === expected) return
  throw new NodeError('wrong-chain', `the ${side} is of chain ${actual}, the rollup config says ${expected}`)
}

/** `block` is what L1 has at the rollup's first L1 height. Throws NodeError where the rollup began on another L1. */
export function checkL1Genesis(config: RollupConfig, block: L1BlockRef | undefined): void {
  const { number, hash } = config.genesis.l1
  // An L1 that is not that far is behind, or not the right one; derivation waits for it.
  if (block === undefined || block.hash === hash) return
  throw new NodeError('wrong-genesis', `L1 has ${block.hash} at ${number}, the rollup config begins at ${hash}`)
}

/** Delta changes derivation alone and does not stand in a genesis file. */
function differingFork(genesis: ForkTimes, rollup: ForkTimes): string | undefined {
  return hardforks.find((fork) => fork !== 'bedrock' && fork !== 'delta' && genesis[fork] !== rollup[fork])
}
