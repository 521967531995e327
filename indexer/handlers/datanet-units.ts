import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroAddress } from '../../protocol/bytes.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import type { Row } from '../store/store.ts'
import { amountIn, change, contractHandlers, type EventContext, type EventReader, noChange } from './event.ts'
import { addPoolUnits, setMemberUnits, takeIncome } from './royalty-pools.ts'

/** Index of DatanetUnits' events: who holds units of what, held them when, and what came for them. */
export const datanetUnits = contractHandlers({
  'UnitsIssued(uint64,uint32,uint128,address,bytes32)': (event, { block, timestamp, writer }) => {
    const [datanet, version] = [event.topicNumber(1), event.topicNumber(2)]
    writer.set('version_units', `${datanet}.${version}`, {
      datanet,
      version,
      units: event.decimal(0),
      owner: event.address(1),
      allotment: isZero(event.word(2)) ? null : event.word(2),
      claimed: '0',
      issued_at: timestamp,
      block,
    })
    addPoolUnits(writer, poolOf(datanet), event.uint(0))
  },
  'AllotmentClaimed(uint64,uint32,address,uint32,uint128)': (event, { block, timestamp, tx, writer }) => {
    const [datanet, version, holder] = [event.topicNumber(1), event.topicNumber(2), event.topicAddress(3)]
    const key = `${datanet}.${version}`
    const issued = writer.state('version_units', key)
    const units = event.uint(1)
    change(writer, 'version_units', key, { claimed: String(amountIn(issued, 'claimed') + units) })
    writer.insert('unit_lot', {
      block,
      idx: event.index,
      datanet,
      version,
      holder,
      units: String(units),
      from_time: Number(issued?.['issued_at'] ?? timestamp),
      until_time: timestamp,
      tx_hash: tx.hash,
    })
  },
  'Transfer(address,address,address,uint256,uint256)': (event, context) => {
    const [from, to, amount] = [event.topicAddress(1), event.topicAddress(2), event.uint(1)]
    if (from === to || amount === 0n) return
    move(event, context, from, -amount)
    move(event, context, to, amount)
  },
  'IncomeCredited(uint64,uint64,uint64,uint256,uint256,uint256)': (event, { block, tx, writer }) => {
    const [datanet, epoch] = [event.topicNumber(1), event.topicNumber(2)]
    const [time, amount, units] = [event.number(0), event.uint(1), event.uint(2)]
    const perUnit = takeIncome(writer, poolOf(datanet), amount, units)
    writer.insert('unit_income', {
      block,
      idx: event.index,
      datanet,
      epoch: epoch === 0 ? null : epoch,
      time,
      amount: String(amount),
      units: String(units),
      per_unit: String(perUnit),
      tx_hash: tx.hash,
    })
  },
  // The vault says the same as PoolClaimed; who may move whose units is no part of what is held.
  'IncomeTaken(uint64,address,uint256)': noChange,
  'Approval(address,address,uint256,uint256)': noChange,
  'OperatorSet(address,address,bool)': noChange,
})

const poolOf = (datanet: number) => poolPayee(payeePools.units, BigInt(datanet))
const isZero = (word: Hex) => /^0x0+$/.test(word)

/** What was allotted and not claimed stands in the contract's name: no holder's. */
function move(event: EventReader, { block, timestamp, writer }: EventContext, holder: Hex, amount: bigint): void {
  if (holder === zeroAddress || holder === openLedgerPredeploys.datanetUnits) return
  const id = BigInt(event.topic(3))
  const [datanet, version] = [Number(id >> 32n), Number(id & 0xffff_ffffn)]
  const key = `${datanet}.${version}-${holder}`
  const units = String(amountIn(writer.state('unit_balance', key), 'units') + amount)
  writer.set('unit_balance', key, { datanet, version, holder, units })
  const all = setMemberUnits(writer, poolOf(datanet), holder, amount)
  writer.insert('unit_change', { block, idx: event.index, datanet, holder, time: timestamp, units: String(all) })
}

/** A holder of a Datanet's units, as {@link creditedQ64} names it. */
export const holding = (datanet: number, holder: string) => JSON.stringify([datanet, holder])

/** Wei/2⁶⁴ that each holding was credited of its Datanet's income in all, as of a block; the newest where it is undefined. */
export function creditedQ64(
  store: Pick<BlockWriter, 'all'>,
  holdings: readonly string[],
  at: number | undefined,
): Map<string, bigint> {
  const [until, all] = [at ?? Number.MAX_SAFE_INTEGER, JSON.stringify(holdings)]
  const held = `select units from unit_change c where c.datanet = i.datanet and c.holder = k.value ->> 1
    and c.block <= ? and c.time <= i.time order by block desc, idx desc limit 1`
  const incomes = `select k.value as holding, time, per_unit, (${held}) as units from json_each(?) k
    join unit_income i on i.datanet = k.value ->> 0 where i.block <= ? and per_unit <> '0'`
  const lots = `select k.value as holding, units, from_time, until_time from json_each(?) k
    join unit_lot l on l.datanet = k.value ->> 0 and l.holder = k.value ->> 1 where l.block <= ?`
  const lotsOf = new Map<unknown, Row[]>()
  for (const lot of store.all(lots, all, until)) {
    lotsOf.set(lot['holding'], [...(lotsOf.get(lot['holding']) ?? []), lot])
  }
  const credited = new Map(holdings.map((each) => [each, 0n]))
  for (const income of store.all(incomes, until, all, until)) {
    const key = String(income['holding'])
    const time = Number(income['time'])
    const isIn = (lot: Row) => Number(lot['from_time']) <= time && time < Number(lot['until_time'])
    const early = (lotsOf.get(key) ?? []).filter(isIn)
    const units = early.reduce((sum, lot) => sum + amountIn(lot, 'units'), amountIn(income, 'units'))
    credited.set(key, (credited.get(key) ?? 0n) + units * amountIn(income, 'per_unit'))
  }
  return credited
}
