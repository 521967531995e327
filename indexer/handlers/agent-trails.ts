import type { BlockWriter } from '../store/block-writer.ts'
import { legBond } from '../store/escrows.ts'
import { amountIn, change, contractHandlers, type EventReader, noChange } from './event.ts'
import { evidenceRewards } from './evidence-rewards.ts'

/** Index of AgentTrails' events: anchored trails and the legs of them that somebody doubted. */
export const agentTrails = new Map([
  ...evidenceRewards,
  ...contractHandlers({
    'TrailAnchored(uint256,bytes32,address,bytes32,uint32,uint128)': (event, { block, timestamp, tx, writer }) =>
      writer.set('trail', trailKey(event), {
        agent: event.topicNumber(1),
        trail_id: event.topic(2),
        anchored_by: event.topicAddress(3),
        root: event.word(0),
        spans: event.number(1),
        paid: event.decimal(2),
        anchored_at: timestamp,
        forged: 0,
        block,
        tx_hash: tx.hash,
      }),
    'LegChallenged(uint256,bytes32,uint32,bytes32,uint128,address,uint64)': (event, { block, tx, writer }) =>
      writer.set('trail_leg', `${trailKey(event)}-${event.number(0)}`, {
        agent: event.topicNumber(1),
        trail: trailKey(event),
        idx: event.number(0),
        ref: event.word(1),
        fee: event.decimal(2),
        challenger: event.address(3),
        due_at: event.number(4),
        status: 'open',
        batch: null,
        receipt: null,
        block,
        tx_hash: tx.hash,
      }),
    'LegProven(uint256,bytes32,uint32,uint64,uint32,address)': (event, { writer }) => {
      const found = { status: 'proven', batch: event.number(1), receipt: event.number(2) }
      change(writer, 'trail_leg', `${trailKey(event)}-${event.number(0)}`, found)
      owe(writer, event.address(3), legBond)
    },
    'LegForged(uint256,bytes32,uint32)': (event, { block, tx, writer }) => {
      const [trail, idx] = [trailKey(event), event.number(0)]
      const key = `${trail}-${idx}`
      const before = writer.state('trail_leg', key)
      if (before?.['status'] === 'open') {
        owe(writer, String(before['challenger']), legBond)
        change(writer, 'trail_leg', key, { status: 'forged' })
      } else {
        const unsaid = { ref: null, fee: null, challenger: null, due_at: null, batch: null, receipt: null }
        const agent = event.topicNumber(1)
        writer.set('trail_leg', key, { agent, trail, idx, ...unsaid, status: 'forged', block, tx_hash: tx.hash })
      }
      change(writer, 'trail', trail, { forged: Number(writer.state('trail', trail)?.['forged'] ?? 0) + 1 })
    },
    'OwedClaimed(address,address,uint256)': (event, { writer }) => owe(writer, event.topicAddress(1), -event.uint(0)),
    'Initialized(uint64)': noChange,
  }),
])

const trailKey = (event: EventReader): string => `${event.topicNumber(1)}-${event.topic(2)}`

function owe(writer: BlockWriter, account: string, wei: bigint): void {
  writer.set('trail_owed', account, { owed: String(amountIn(writer.state('trail_owed', account), 'owed') + wei) })
}
