import { eventField, stateField } from '../lists.ts'
import { column, type Entity, flag, origin, stateColumn } from '../rows.ts'
import { bits } from './model.ts'

const ofWorker = (row: Entity['row']) => ({ worker: row['key'] })

export const Worker = {
  address: column('key'),
  registeredAt: column('registered_at'),
  units: column('units'),
  classes: ({ row }: Entity) => bits(Number(row['classes'])),
  peerId: column('peer_id'),
  stake: column('stake'),
  unbonding: column('unbonding'),
  unbondsAt: column('unbonds_at'),
  free: column('free'),
  cover: column('cover'),
  jailed: flag('jailed'),
  jailedUntil: column('jailed_until'),
  slashed: column('slashed'),
  slashes: eventField('slash', ['block', 'idx'], ofWorker),
  batches: stateField('receipt_batch', ofWorker),
  channels: stateField('channel', ofWorker),
  disputes: eventField('dispute', ['block', 'idx'], ofWorker),
}

export const Slash = {
  worker: stateColumn('worker', 'worker'),
  fault: column('fault'),
  amount: column('amount'),
  burned: column('burned'),
  beneficiary: column('beneficiary'),
  ...origin,
}
