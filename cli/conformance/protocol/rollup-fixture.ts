import type { Hex } from '../../../protocol/bytes.ts'
import { type ForkTimes, type Hardfork, hardforks } from '../../../protocol/hardforks.ts'
import type { RollupConfig } from '../../../protocol/rollup-config.ts'

/** Fork times with everything up to `newest` active from genesis. */
export function forksUpTo(newest: Hardfork): ForkTimes {
  const active = hardforks.slice(1, hardforks.indexOf(newest) + 1)
  return Object.fromEntries(active.map((fork) => [fork, 0n]))
}

/** A rollup config for vectors that give a fork and no config. */
export function testRollupConfig(newest: Hardfork): RollupConfig {
  return {
    genesis: {
      l1: { hash: word(1), number: 0n },
      l2: { hash: word(2), number: 0n },
      l2Time: 0n,
      systemConfig: {
        batcherAddr: account(1),
        overhead: word(0),
        scalar: word(0),
        gasLimit: 30_000_000n,
        eip1559Params: '0x0000000000000000',
        operatorFeeParams: word(0),
        minBaseFee: 0n,
        daFootprintGasScalar: 0,
      },
    },
    blockTime: 2n,
    maxSequencerDrift: 600n,
    seqWindowSize: 3600n,
    channelTimeout: 300n,
    l1ChainId: 1n,
    l2ChainId: 10n,
    forkTimes: forksUpTo(newest),
    batchInboxAddress: account(2),
    depositContractAddress: account(3),
    l1SystemConfigAddress: account(4),
    protocolVersionsAddress: account(0),
    feeConstants: { eip1559Elasticity: 6n, eip1559Denominator: 50n, eip1559DenominatorCanyon: 250n },
  }
}

function word(value: number): Hex {
  return `0x${value.toString(16).padStart(64, '0')}`
}

function account(value: number): Hex {
  return `0x${value.toString(16).padStart(40, '0')}`
}
