import { isUnitsPool } from '../../protocol/attribution-entry.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import type { Row } from '../store/store.ts'
import { amountIn, contractHandlers } from './event.ts'

/** By the number in a pool's address. */
const poolKinds = ['stakers', 'units', 'treasury', 'item', 'escrow'] as const
export type PoolKind = (typeof poolKinds)[number]

/**
 * The pools of the RoyaltyVault, in its own arithmetic: what one unit is owed counts in wei/2⁶⁴ and nothing is rounded away, so
 * that what a member can claim is known at every block. Of a Datanet's pool DatanetUnits' events say who is credited what, and
 * `owed_q64` has less what was taken.
 */
export const royaltyPools = contractHandlers({
  'PoolFunded(address,uint256,uint256)': (event, { block, tx, writer }) => {
    const [pool, amount] = [event.topicAddress(1), event.uint(0)]
    const before = poolOf(writer, pool)
    const funded = before.funded + amount
    const undistributed = before.undistributed + (amount << 64n)
    const after = isUnitsPool(pool) ? { ...before, funded } : distributed({ ...before, funded, undistributed })
    writePool(writer, pool, after)
    writer.insert('pool_funding', { block, idx: event.index, pool, amount: String(amount), tx_hash: tx.hash })
  },
  'PoolUnits(address,address,uint128)': (event, { writer }) =>
    setUnits(writer, event.topicAddress(1), event.topicAddress(2), event.uint(0)),
  'PoolClaimed(address,address,uint256,address)': (event, { block, tx, writer }) => {
    const [pool, payee, amount] = [event.topicAddress(1), event.topicAddress(2), event.uint(0)]
    const before = poolOf(writer, pool)
    const member = settled(memberOf(writer, pool, payee), before.acc)
    const owed = member.owed - (amount << 64n)
    writeMember(writer, pool, payee, { ...member, owed, claimed: member.claimed + amount })
    writePool(writer, pool, { ...before, claimed: before.claimed + amount })
    writer.insert('claim', {
      block,
      idx: event.index,
      kind: 'pool',
      payee,
      pool,
      epoch: null,
      amount: String(amount),
      recipient: event.address(1),
      tx_hash: tx.hash,
    })
  },
})

/** Names a pool that may have been funded before anybody said what it is. */
export function addPool(writer: BlockWriter, pool: string, kind: PoolKind, datanet: number | null): void {
  writePool(writer, pool, { ...poolOf(writer, pool), kind, datanet })
}

export function setUnits(writer: BlockWriter, pool: string, of: string, units: bigint): void {
  const before = poolOf(writer, pool)
  const member = settled(memberOf(writer, pool, of), before.acc)
  const total = before.units - member.units + units
  writeMember(writer, pool, of, { ...member, units })
  writePool(writer, pool, distributed({ ...before, units: total }))
}

/** More units of a Datanet, of whomever. */
export function addPoolUnits(writer: BlockWriter, pool: Hex, units: bigint): void {
  const before = poolOf(writer, pool)
  writePool(writer, pool, { ...before, units: before.units + units })
}

/** Adds to the units of a Datanet that a holder can move; how many they are then. */
export function setMemberUnits(writer: BlockWriter, pool: Hex, holder: Hex, by: bigint): bigint {
  const member = memberOf(writer, pool, holder)
  const units = member.units + by
  writeMember(writer, pool, holder, { ...member, units })
  return units
}

/** Divides income of a Datanet among its units at the time, with what was left over before; wei/2⁶⁴ for each. */
export function takeIncome(writer: BlockWriter, pool: Hex, amount: bigint, units: bigint): bigint {
  const before = poolOf(writer, pool)
  const total = before.undistributed + (amount << 64n)
  writePool(writer, pool, { ...before, undistributed: units === 0n ? total : total % units })
  return units === 0n ? 0n : total / units
}

/** Wei that a member can claim: what it is owed, and what its units were owed since. */
export function memberClaimable(member: MemberState, acc: bigint): bigint {
  return settled(member, acc).owed >> 64n
}

export type MemberState = {
  readonly units: bigint
  readonly accPaid: bigint
  readonly owed: bigint
  readonly claimed: bigint
}

type PoolState = {
  readonly kind: PoolKind
  readonly datanet: number | null
  readonly funded: bigint
  readonly claimed: bigint
  readonly units: bigint
  readonly acc: bigint
  readonly undistributed: bigint
}

function distributed(pool: PoolState): PoolState {
  const { units, undistributed } = pool
  if (units === 0n) return pool
  return { ...pool, acc: pool.acc + undistributed / units, undistributed: undistributed % units }
}

function settled(member: MemberState, acc: bigint): MemberState {
  return { ...member, owed: member.owed + member.units * (acc - member.accPaid), accPaid: acc }
}

function poolOf(writer: BlockWriter, pool: string): PoolState {
  const row = writer.state('pool', pool)
  const number = (name: string) => amountIn(row, name)
  return {
    kind: (row?.['kind'] ?? poolKinds[Number(`0x${pool.slice(24, 26)}`)] ?? 'units') as PoolKind,
    datanet: (row?.['datanet'] ?? null) as number | null,
    funded: number('funded'),
    claimed: number('claimed'),
    units: number('units'),
    acc: number('acc_q64'),
    undistributed: number('undistributed_q64'),
  }
}

function writePool(writer: BlockWriter, pool: string, state: PoolState): void {
  writer.set('pool', pool, {
    kind: state.kind,
    datanet: state.datanet,
    funded: String(state.funded),
    claimed: String(state.claimed),
    units: String(state.units),
    acc_q64: String(state.acc),
    undistributed_q64: String(state.undistributed),
  })
}

function memberOf(writer: BlockWriter, pool: string, member: string): MemberState {
  return memberState(writer.state('pool_member', memberKey(pool, member)))
}

export function memberState(row: Row | undefined): MemberState {
  const number = (name: string) => amountIn(row, name)
  return {
    units: number('units'),
    accPaid: number('acc_paid_q64'),
    owed: number('owed_q64'),
    claimed: number('claimed'),
  }
}

function writeMember(writer: BlockWriter, pool: string, member: string, state: MemberState): void {
  writer.set('pool_member', memberKey(pool, member), {
    pool,
    member,
    units: String(state.units),
    acc_paid_q64: String(state.accPaid),
    owed_q64: String(state.owed),
    claimed: String(state.claimed),
  })
}

const memberKey = (pool: string, member: string) => `${pool}-${member}`
