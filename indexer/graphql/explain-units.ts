import { explainUnits, type Holding, type UnitsIncome } from '../../attribution/explain/explain-units.ts'
import { isUnitsPool } from '../../protocol/attribution-entry.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { Row, Store } from '../store/store.ts'
import { pageNodesMax } from './connection.ts'
import { queryError } from './query-error.ts'

/** Holders of a Datanet that are read for one explanation. */
export const explainedHoldersMax = 50_000

/** Rows of `holders(first, from)`. */
type HoldersInput = { readonly first?: number | null; readonly from?: number | null }

/**
 * To whom an epoch's payout to a Datanet's pool goes, as of block `until`; null for any other payee. `earned`: its wei. Throws
 * LIMIT_EXCEEDED; its `holders` BAD_INPUT.
 */
export function explainedUnits(store: Store, epoch: Row, payee: Hex, earned: bigint, until: number) {
  if (!isUnitsPool(payee)) return null
  const datanet = Number(`0x${payee.slice(-16)}`)
  const last = store.get('select committed_at from receipt_batch where key = ?', epoch['last_batch'] ?? null)
  const time = Number(last?.['committed_at'] ?? 0)
  const incomes = store.all(
    'select epoch, amount, units, per_unit from unit_income where datanet = ? and block <= ? order by block, idx',
    ...[datanet, until],
  )
  const at = incomes.findIndex((income) => income['epoch'] === epoch['number'])
  const credited = incomes[at]
  const before = (at === -1 ? incomes : incomes.slice(0, at)).map(
    (row): UnitsIncome => ({ amount: wei(row, 'amount'), units: wei(row, 'units') }),
  )
  const issued = store.all(
    'select allotment, units, claimed from version_units where datanet = ? and issued_at <= ? and block <= ?',
    ...[datanet, time, until],
  )
  const total = issued.reduce((sum, row) => sum + wei(row, 'units'), 0n)
  const allotted = issued.filter((row) => row['allotment'] !== null)
  const explanation = explainUnits({
    ...{ datanet: BigInt(datanet), time: BigInt(time), amount: earned, total, before },
    holdings: holdingsAt(store, datanet, time, until),
    unclaimed: allotted.reduce((sum, row) => sum + wei(row, 'units') - wei(row, 'claimed'), 0n),
    credited: credited && { amount: wei(credited, 'amount'), perUnitQ64: wei(credited, 'per_unit') },
  })
  return {
    ...explanation,
    time,
    holderCount: explanation.holders.length,
    holders: ({ first, from }: HoldersInput) => {
      const [size, skipped] = [first ?? pageNodesMax, from ?? 0]
      if (size < 1 || size > pageNodesMax || skipped < 0)
        throw queryError('BAD_INPUT', `first must be 1 to ${pageNodesMax}, from 0 or more`)
      return explanation.holders.slice(skipped, skipped + size)
    },
  }
}

/** What everybody held at the end of the block at a time, by what is known at block `until`: claimed allotments are of before. */
function holdingsAt(store: Store, datanet: number, time: number, until: number): Holding[] {
  const movable = store.all(
    `select holder, units from (select holder, units, row_number() over (partition by holder order by block desc, idx desc) as place
      from unit_change where datanet = ? and time <= ? and block <= ?) where place = 1 limit ?`,
    ...[datanet, time, until, explainedHoldersMax + 1],
  )
  const lots = store.all(
    'select holder, units from unit_lot where datanet = ? and from_time <= ? and until_time > ? and block <= ? limit ?',
    ...[datanet, time, time, until, explainedHoldersMax + 1],
  )
  if (movable.length > explainedHoldersMax || lots.length > explainedHoldersMax) {
    throw queryError(
      'LIMIT_EXCEEDED',
      `Datanet ${datanet} has more than ${explainedHoldersMax} holders: openledger explain reads them all`,
    )
  }
  const units = new Map<Hex, bigint>()
  for (const row of [...movable, ...lots]) {
    const holder = String(row['holder']) as Hex
    units.set(holder, (units.get(holder) ?? 0n) + wei(row, 'units'))
  }
  return [...units].map(([holder, held]) => ({ holder, units: held }))
}

function wei(row: Row, column: string): bigint {
  return BigInt(String(row[column] ?? 0))
}
