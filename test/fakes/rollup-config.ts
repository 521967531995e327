import type { Hex } from '../../protocol/bytes.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { SystemConfig } from '../../protocol/system-config.ts'

/** `hash(7)` is 0x…07: short to write, easy to read in a failure. */
export const hash = (n: number | bigint): Hex => `0x${n.toString(16).padStart(64, '0')}`
export const address = (n: number): Hex => `0x${n.toString(16).padStart(40, '0')}`

export const testSystemConfig: SystemConfig = {
  batcherAddr: address(0xba),
  overhead: hash(0),
  scalar: `0x01${'00'.repeat(31)}`,
  gasLimit: 30_000_000n,
  eip1559Params: '0x0000000000000000',
  operatorFeeParams: hash(0),
  minBaseFee: 0n,
  daFootprintGasScalar: 0,
}

/** A chain with every fork through Jovian at genesis, 2 s blocks, on an L1 whose block n has time 12 n. */
export function testRollupConfig(change: Partial<RollupConfig> = {}): RollupConfig {
  return {
    genesis: {
      l1: { hash: hash(0x1000), number: 0n },
      l2: { hash: hash(0x2000), number: 0n },
      l2Time: 0n,
      systemConfig: testSystemConfig,
    },
    blockTime: 2n,
    maxSequencerDrift: 600n,
    seqWindowSize: 10n,
    channelTimeout: 300n,
    l1ChainId: 900n,
    l2ChainId: 901n,
    forkTimes: {
      regolith: 0n,
      canyon: 0n,
      delta: 0n,
      ecotone: 0n,
      fjord: 0n,
      granite: 0n,
      holocene: 0n,
      isthmus: 0n,
      jovian: 0n,
    },
    batchInboxAddress: address(0xff00),
    depositContractAddress: address(0xde),
    l1SystemConfigAddress: address(0x5c),
    protocolVersionsAddress: address(0),
    feeConstants: { eip1559Elasticity: 6n, eip1559Denominator: 50n, eip1559DenominatorCanyon: 250n },
    ...change,
  }
}
