import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { defaultShares } from '../../protocol/fee.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import { listLicences } from './licence-policy.ts'
import { sharesRow } from './revenue-splitter.ts'
import { addPool, setUnits } from './royalty-pools.ts'
import { firstStakeConfigs } from './stake-pool.ts'

/** What the initialisers of the predeploys set: genesis has the state and no logs. */
export function handleGenesis(writer: BlockWriter): void {
  const treasury = poolPayee(payeePools.treasury, 0n)
  addPool(writer, poolPayee(payeePools.stakers, 0n), 'stakers', null)
  addPool(writer, treasury, 'treasury', null)
  setUnits(writer, treasury, openLedgerPredeploys.timelock, 1n)
  firstStakeConfigs(writer)
  writer.insert('shares', sharesRow(1, defaultShares, 0))
  listLicences(writer)
  writer.insert('algo', { hash: algoHashV1, in_force_from: 0, block: 0 })
}
