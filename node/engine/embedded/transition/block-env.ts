import type { EVM } from '@ethereumjs/evm'
import type { ForkTimes } from '../../../../protocol/hardforks.ts'
import type { FlatState } from '../state/flat-state.ts'
import type { Rules } from './rules.ts'

/** What of a block its transactions can see. */
export type BlockHeaderEnv = {
  readonly number: bigint
  readonly timestamp: bigint
  readonly coinbase: Uint8Array
  readonly prevRandao: Uint8Array
  readonly gasLimit: bigint
  readonly baseFee: bigint
}

/** A block in execution: its environment, the state it changes and the EVM set to both. */
export type BlockEnv = BlockHeaderEnv & {
  readonly chainId: bigint
  readonly times: ForkTimes
  readonly rules: Rules
  readonly state: FlatState
  readonly evm: EVM
  /** Points the EVM at this block; others may have used it since. */
  readonly activate: () => void
}

/** Gas of the block that no transaction has taken yet. */
export class GasPool {
  #left: bigint

  constructor(gasLimit: bigint) {
    this.#left = gasLimit
  }

  get left(): bigint {
    return this.#left
  }

  /** False, and nothing taken, where there is not that much. */
  take(gas: bigint): boolean {
    if (gas > this.#left) return false
    this.#left -= gas
    return true
  }

  giveBack(gas: bigint): void {
    this.#left += gas
  }
}
