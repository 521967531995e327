import { errorMessage } from '../../common/errors.ts'
import { attributesEip1559Params } from '../../protocol/base-fee.ts'
import type { BlockId, L2BlockRef } from '../../protocol/block-ref.ts'
import { FormatError, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { userDeposits } from '../../protocol/deposits.ts'
import type { PayloadAttributes } from '../../protocol/engine-api.ts'
import { activatesAt, isActive } from '../../protocol/hardforks.ts'
import { optional } from '../../protocol/json-fields.ts'
import type { L1BlockInfo } from '../../protocol/l1-block.ts'
import { l1InfoDeposit } from '../../protocol/l1-info.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { SystemConfig } from '../../protocol/system-config.ts'
import { applySystemConfigUpdates } from '../../protocol/system-config-updates.ts'
import { encodeTransaction } from '../../protocol/transaction.ts'
import { karstUpgradeGas, type UpgradeTransactions, upgradeTransactions } from '../../protocol/upgrade-txs.ts'
import { DeriveError, reading } from './derive-error.ts'
import type { L1Chain, L2Chain } from './sources.ts'

/** Receives tips; a predeploy that keeps them. Spec: protocol/predeploys.md. */
export const sequencerFeeVault: Hex = '0x4200000000000000000000000000000000000011'

type Parts = {
  readonly l1: Pick<L1Chain, 'blockInfoByHash' | 'receipts'>
  readonly l2: Pick<L2Chain, 'systemConfigByL2Hash'>
  readonly upgradeTransactions?: UpgradeTransactions | undefined
}

/**
 * Everything of the next L2 block but the user transactions: the same for derivation and for the sequencer.
 * Spec: protocol/derivation.md, "Deriving Payload Attributes".
 */
export class AttributesBuilder {
  readonly #config: RollupConfig
  readonly #parts: Parts

  constructor(config: RollupConfig, parts: Parts) {
    this.#config = config
    this.#parts = parts
  }

  /** Attributes of the block after `parent` with L1 origin `epoch`, deposits included. Throws {@link DeriveError}. */
  async prepare(parent: L2BlockRef, epoch: BlockId): Promise<PayloadAttributes> {
    const config = this.#config
    const { l1, l2 } = this.#parts
    const timestamp = parent.timestamp + config.blockTime
    const isFirstOfEpoch = parent.l1Origin.number !== epoch.number
    const parentConfig = await reading('system config', () => l2.systemConfigByL2Hash(parent.hash))
    const origin = isFirstOfEpoch
      ? await this.#firstOfEpoch(parent, epoch, parentConfig)
      : { info: await this.#sameEpoch(parent, epoch, l1), systemConfig: parentConfig, deposits: [] }
    const { info, systemConfig, deposits } = origin
    if (timestamp < info.timestamp) {
      throw new DeriveError('reset', `the L2 block at ${timestamp} would be older than its L1 origin ${epoch.number}`)
    }
    const sequenceNumber = isFirstOfEpoch ? 0n : parent.sequenceNumber + 1n
    const l1InfoTx = orCritical(() =>
      encodeTransaction(l1InfoDeposit(config, systemConfig, sequenceNumber, info, timestamp)),
    )
    const upgrades = orCritical(() =>
      upgradeTransactions(this.#parts.upgradeTransactions, config, timestamp, parent.timestamp),
    )
    return {
      ...this.#forkFields(systemConfig, info, timestamp, parent.timestamp),
      timestamp,
      prevRandao: info.prevRandao,
      suggestedFeeRecipient: sequencerFeeVault,
      transactions: [l1InfoTx, ...deposits, ...upgrades],
      noTxPool: true,
    }
  }

  async #firstOfEpoch(parent: L2BlockRef, epoch: BlockId, parentConfig: SystemConfig) {
    const { info, receipts } = await reading(`receipts of L1 block ${epoch.number}`, () =>
      this.#parts.l1.receipts(epoch.hash),
    )
    if (info.parentHash !== parent.l1Origin.hash) {
      throw new DeriveError(
        'reset',
        `L1 block ${epoch.number} does not follow the L1 origin of L2 block ${parent.number}`,
      )
    }
    try {
      const deposits = userDeposits(receipts, this.#config.depositContractAddress, epoch.hash).map(encodeTransaction)
      const systemConfig = applySystemConfigUpdates(parentConfig, receipts, this.#config, info.timestamp)
      return { info, deposits, systemConfig }
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause
      throw new DeriveError(
        'critical',
        `L1 block ${epoch.number} holds a deposit that cannot be read: ${cause.message}`,
        { cause },
      )
    }
  }

  async #sameEpoch(parent: L2BlockRef, epoch: BlockId, l1: Parts['l1']): Promise<L1BlockInfo> {
    if (parent.l1Origin.hash !== epoch.hash) {
      throw new DeriveError('reset', `L1 origin ${epoch.number} of L2 block ${parent.number} was replaced`)
    }
    return reading(`L1 block ${epoch.number}`, () => l1.blockInfoByHash(epoch.hash))
  }

  #forkFields(systemConfig: SystemConfig, info: L1BlockInfo, timestamp: bigint, parentTimestamp: bigint) {
    const { forkTimes } = this.#config
    const at = (fork: Parameters<typeof isActive>[1]) => isActive(forkTimes, fork, timestamp)
    // Karst's upgrade deposits come on top of the block's own gas.
    const upgradeGas = activatesAt(forkTimes, 'karst', timestamp, parentTimestamp) ? karstUpgradeGas : 0n
    const eip1559Params = attributesEip1559Params(forkTimes, systemConfig.eip1559Params, parentTimestamp, timestamp)
    return {
      gasLimit: systemConfig.gasLimit + upgradeGas,
      ...(at('canyon') ? { withdrawals: [] as const } : {}),
      ...(at('ecotone') ? { parentBeaconBlockRoot: info.parentBeaconBlockRoot ?? zeroHash } : {}),
      ...optional('eip1559Params', eip1559Params),
      ...(at('jovian') ? { minBaseFee: systemConfig.minBaseFee } : {}),
    }
  }
}

/** What the chain's own state makes impossible, no retry and no reset can mend. */
function orCritical<T>(make: () => T): T {
  try {
    return make()
  } catch (cause) {
    throw new DeriveError('critical', errorMessage(cause), { cause })
  }
}
