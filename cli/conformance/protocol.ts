import { outputRootRunner, rollupConfigsRunner } from './protocol/configs.ts'
import { sourceHashesRunner, userDepositsRunner } from './protocol/deposits.ts'
import { eip1559Runner } from './protocol/eip1559.ts'
import { l1InfoRunner } from './protocol/l1-info.ts'
import { receiptsRunner } from './protocol/receipts.ts'
import { systemConfigRunner } from './protocol/system-config.ts'
import { upgradeTxsRunner } from './protocol/upgrade-txs.ts'
import type { VectorRunner } from './vector.ts'

/** Runners of folder `protocol`; those with the more telling fields first. */
export const runners: readonly VectorRunner[] = [
  l1InfoRunner,
  userDepositsRunner,
  outputRootRunner,
  sourceHashesRunner,
  systemConfigRunner,
  upgradeTxsRunner,
  eip1559Runner,
  rollupConfigsRunner,
  receiptsRunner,
]
