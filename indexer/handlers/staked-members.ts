import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import type { Row } from '../store/store.ts'
import { amountIn, change, type EventHandler, type EventReader } from './event.ts'

/** Contracts with staked members, by the escrow that counts what they hold. */
export const memberBodies = {
  committee: openLedgerPredeploys.checkerCommittee,
  reviews: openLedgerPredeploys.datanetReview,
} as const
export type MemberBody = keyof typeof memberBodies

/** Key of a member's row. */
export const memberKey = (body: MemberBody, member: string) => `${body}-${member}`

/**
 * What StakedMembers' events do in the contract that has them; `onSlashed` what its own rules add. Whatever the events say that
 * comes or goes is counted in the body's escrow.
 */
export function stakedMembers(
  body: MemberBody,
  onSlashed: (event: EventReader, writer: BlockWriter, member: Hex, amount: bigint) => void = () => {},
): Readonly<Record<string, EventHandler>> {
  const alter = (writer: BlockWriter, member: Hex, columns: Row) =>
    change(writer, 'staked_member', memberKey(body, member), columns)
  const rowOf = (writer: BlockWriter, member: Hex) => writer.state('staked_member', memberKey(body, member))
  return {
    'MemberStaked(address,uint256,uint256)': (event, { block, writer }) => {
      const member = event.topicAddress(1)
      const { key: _key, ...known } = rowOf(writer, member) ?? { ...noMember, body, member, block }
      writer.set('staked_member', memberKey(body, member), { ...known, stake: event.decimal(1) })
      writer.owe(body, event.uint(0))
    },
    'MemberUnbonding(address,uint256,uint64)': (event, { writer }) => {
      const [member, amount] = [event.topicAddress(1), event.uint(0)]
      const row = rowOf(writer, member)
      alter(writer, member, {
        stake: String(amountIn(row, 'stake') - amount),
        unbonding: String(amountIn(row, 'unbonding') + amount),
        unbonds_at: event.number(1),
      })
    },
    'MemberWithdrawn(address,address,uint256)': (event, { writer }) => {
      alter(writer, event.topicAddress(1), { unbonding: '0', unbonds_at: 0 })
      writer.owe(body, -event.uint(1))
    },
    // The stake answers first, then what is being unbonded.
    'MemberSlashed(address,uint256,uint256,address,bytes32)': (event, { writer }) => {
      const [member, amount] = [event.topicAddress(1), event.uint(0)]
      const row = rowOf(writer, member)
      const stake = amountIn(row, 'stake')
      const ofStake = amount < stake ? amount : stake
      alter(writer, member, {
        stake: String(stake - ofStake),
        unbonding: String(amountIn(row, 'unbonding') - (amount - ofStake)),
        slashed: String(amountIn(row, 'slashed') + amount),
      })
      onSlashed(event, writer, member, amount)
    },
    'MemberJailed(address,uint64)': (event, { writer }) =>
      alter(writer, event.topicAddress(1), { jailed: 1, jailed_until: event.number(0) }),
    'MemberUnjailed(address)': (event, { writer }) => alter(writer, event.topicAddress(1), { jailed: 0 }),
    'MemberWeight(address,uint16,uint32)': (event, { writer }) =>
      alter(writer, event.topicAddress(1), { slot: event.topicNumber(2), weight: event.number(0) }),
    // Also of who is no member: a challenger, or whom a slash helped.
    'OwedClaimed(address,address,uint256)': (event, { writer }) => {
      const member = event.topicAddress(1)
      const row = rowOf(writer, member)
      if (row !== undefined) alter(writer, member, { claimed: String(amountIn(row, 'claimed') + event.uint(1)) })
      writer.owe(body, -event.uint(1))
    },
  }
}

/** Wei that a body burned leave it. */
export function membersBurned(writer: BlockWriter, account: Hex, amount: bigint): void {
  for (const [body, address] of Object.entries(memberBodies)) {
    if (account === address) writer.owe(body as MemberBody, -amount)
  }
}

const noMember = {
  ...{ stake: '0', unbonding: '0', slashed: '0', claimed: '0', paid: '0' },
  ...{ unbonds_at: 0, jailed_until: 0, jailed: 0, weight: 0, slot: null },
}
