import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import {
  type ContractHandlers,
  change,
  contractHandlers,
  type EventHandler,
  type EventReader,
  noChange,
} from './event.ts'

/** Index of the events of one of the timelocks: operations with their times, and who has which role. */
export function timelock(address: Hex): ContractHandlers {
  const keyOf = (event: EventReader) => `${address}-${event.topic(1)}`
  const role =
    (held: 0 | 1): EventHandler =>
    (event, { block, writer }) => {
      const [name, account] = [event.topic(1), event.topicAddress(2)]
      writer.set('timelock_role', `${address}-${name}-${account}`, {
        timelock: address,
        role: name,
        account,
        held,
        block,
      })
    }
  return contractHandlers({
    'CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)': (
      event,
      { block, timestamp, tx, writer },
    ) => {
      const key = keyOf(event)
      const call = { to: event.address(0), value: event.decimal(1), data: event.bytes(2) }
      // The calls of a batch are told one after the other; an operation that expired can be scheduled anew.
      const before = event.topicNumber(2) === 0 ? undefined : writer.state('timelock_operation', key)
      const calls = [...(JSON.parse(String(before?.['calls'] ?? '[]')) as unknown[]), call]
      writer.set('timelock_operation', key, {
        timelock: address,
        operation: event.topic(1),
        calls: JSON.stringify(calls),
        predecessor: event.word(3),
        salt: zeroHash,
        status: 'scheduled',
        tx_hash: tx.hash,
        ready_at: timestamp + event.number(4),
        block,
      })
    },
    'CallSalt(bytes32,bytes32)': (event, { writer }) =>
      change(writer, 'timelock_operation', keyOf(event), { salt: event.word(0) }),
    'CallExecuted(bytes32,uint256,address,uint256,bytes)': (event, { writer }) =>
      change(writer, 'timelock_operation', keyOf(event), { status: 'done' }),
    'Cancelled(bytes32)': (event, { writer }) =>
      change(writer, 'timelock_operation', keyOf(event), { status: 'cancelled' }),
    'MinDelayChange(uint256,uint256)': (event, { block, timestamp, tx, writer }) =>
      writer.insert('governor_parameter', {
        block,
        idx: event.index,
        at: timestamp,
        name: `delay of ${address}`,
        value: event.decimal(1),
        tx_hash: tx.hash,
      }),
    'RoleGranted(bytes32,address,address)': role(1),
    'RoleRevoked(bytes32,address,address)': role(0),
    'RoleAdminChanged(bytes32,bytes32,bytes32)': noChange,
  })
}
