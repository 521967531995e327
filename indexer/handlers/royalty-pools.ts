import type { BlockWriter } from '../store/block-writer.ts'
import type { Row } from '../store/store.ts'
import { amountIn, contractHandlers } from './event.ts'

export type PoolKind = 'stakers' | 'units' | 'treasury'

/**
 * The pools of the RoyaltyVault, in its own arithmetic: what one unit is owed counts in wei/2⁶⁴ and nothing is rounded away, so
 * that what a member can claim is known at every block.
 */
export const royaltyPools = contractHandlers({
  'PoolFunded(address,uint256,uint256)': (event, { block, tx, writer }) => {
    const [pool, amount] = [event.topicAddress(1), event.uint(0)]
    const before = poolOf(writer, pool)
    const undistributed = before.undistributed + (amount << 64n)
    const funded = before.funded + amount
    writePool(writer, pool, distributed({ ...before, funded, undistributed }))
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
    // Only a Datanet's pool can be funded before it was named.
    kind: (row?.['kind'] ?? 'units') as PoolKind,
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
