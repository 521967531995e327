import { compound } from '../../protocol/stake-interest.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import { amountIn, change, contractHandlers, type EventContext, type EventReader, noChange } from './event.ts'

/** Rates of genesis in 1e-18 a year: what `initialize` sets without a log. */
const firstRates = [2n, 3n, 5n, 8n, 12n].map((percent) => percent * 10n ** 16n)
const firstMinStake = 10n ** 18n
const firstMaxStake = (1n << 128n) - 1n

/** Index of the StakePool's events, in its own arithmetic: `free + reserved + staked + owed` is its balance at every block. */
export const stakePool = contractHandlers({
  'ConfigSet(uint256,uint64,uint128,uint128,bool)': (event, { writer }) =>
    setConfig(writer, event.topicNumber(1), event.uint(0), event.uint(1), event.uint(2), event.number(3)),
  'ReserveFunded(address,uint256)': (event, context) => {
    addToPool(context.writer, { free: event.uint(0), funded: event.uint(0) })
    row('fund', null, event, context)
  },
  'Staked(uint256,address,uint256,uint256)': (event, context) => {
    const { block, timestamp, tx, writer } = context
    writer.set('stake', event.topicNumber(1), {
      recipient: event.topicAddress(2),
      amount: '0',
      principal: event.decimal(0),
      rate: '0',
      reserved: '0',
      status: 'live',
      paid: '0',
      tx_hash: tx.hash,
      config: event.topicNumber(3),
      started_at: timestamp,
      accrues_until: timestamp,
      available_at: null,
      block,
    })
    row('stake', event.topicNumber(1), event, context, event.topicAddress(2))
  },
  'ToppedUp(uint256,address,uint256)': (event, context) => {
    const { writer } = context
    const id = event.topicNumber(1)
    const principal = amountIn(writer.state('stake', id), 'principal') + event.uint(0)
    change(writer, 'stake', id, { principal: String(principal) })
    row('top-up', id, event, context, event.topicAddress(2))
  },
  'InterestReserved(uint256,uint128,uint64,uint64,uint128)': (event, { timestamp, writer }) => {
    const id = event.topicNumber(1)
    const before = stakeOf(writer, id)
    const [amount, reserved] = [event.uint(0), event.uint(3)]
    // Interest so far became part of the stake; the rest of what was set aside is free for what is set aside now.
    const earned = valueAt(before, timestamp) - before.amount
    addToPool(writer, {
      staked: amount - before.amount,
      reserved: reserved - before.reserved,
      free: before.reserved - earned - reserved,
      interest: earned,
    })
    change(writer, 'stake', id, {
      amount: String(amount),
      rate: event.decimal(1),
      reserved: String(reserved),
      started_at: timestamp,
      accrues_until: event.number(2),
    })
  },
  'RequestUnstake(uint256,address,uint128,uint64)': (event, context) => {
    const { writer } = context
    const [id, total] = [event.topicNumber(1), event.uint(0)]
    const { amount, reserved } = stakeOf(writer, id)
    const earned = total - amount
    addToPool(writer, { staked: -amount, reserved: -reserved, free: reserved - earned, owed: total, interest: earned })
    const columns = { status: 'asked', amount: String(total), reserved: '0', available_at: event.number(1) }
    change(writer, 'stake', id, columns)
    row('ask', id, event, context, event.topicAddress(2))
  },
  'Unstaked(uint256,address,uint256)': (event, context) => {
    addToPool(context.writer, { owed: -event.uint(0) })
    change(context.writer, 'stake', event.topicNumber(1), { status: 'paid', paid: event.decimal(0) })
    row('pay', event.topicNumber(1), event, context, event.topicAddress(2))
  },
  'Initialized(uint64)': noChange,
})

/** What the StakePool's initialiser sets. */
export function firstStakeConfigs(writer: BlockWriter): void {
  for (const [config, rate] of firstRates.entries()) setConfig(writer, config, rate, firstMinStake, firstMaxStake, 1)
}

type StakeState = {
  readonly amount: bigint
  readonly reserved: bigint
  readonly rate: bigint
  readonly startedAt: number
  readonly accruesUntil: number
}

function stakeOf(writer: BlockWriter, id: number): StakeState {
  const found = writer.state('stake', id)
  return {
    amount: amountIn(found, 'amount'),
    reserved: amountIn(found, 'reserved'),
    rate: amountIn(found, 'rate'),
    startedAt: Number(found?.['started_at'] ?? 0),
    accruesUntil: Number(found?.['accrues_until'] ?? 0),
  }
}

/** Wei of a stake with its interest, as `StakePool.calculateAmount`. `time`: Unix seconds. */
export function valueAt({ amount, rate, startedAt, accruesUntil }: Omit<StakeState, 'reserved'>, time: number): bigint {
  return compound(amount, rate, BigInt(Math.max(0, Math.min(time, accruesUntil) - startedAt)))
}

type PoolColumn = 'free' | 'reserved' | 'staked' | 'owed' | 'funded' | 'interest'

function addToPool(writer: BlockWriter, wei: Partial<Record<PoolColumn, bigint>>): void {
  const before = writer.state('stake_pool', 'pool')
  const sum = (name: PoolColumn) => String(amountIn(before, name) + (wei[name] ?? 0n))
  writer.set('stake_pool', 'pool', {
    free: sum('free'),
    reserved: sum('reserved'),
    staked: sum('staked'),
    owed: sum('owed'),
    funded: sum('funded'),
    interest: sum('interest'),
  })
}

function setConfig(writer: BlockWriter, config: number, rate: bigint, min: bigint, max: bigint, active: number): void {
  writer.set('stake_config', config, { rate: String(rate), min_stake: String(min), max_stake: String(max), active })
}

function row(
  kind: string,
  stake: number | null,
  event: EventReader,
  { block, tx, writer }: EventContext,
  account = event.topicAddress(1),
): void {
  const amount = event.decimal(0)
  writer.insert('stake_event', { block, idx: event.index, kind, stake, account, amount, tx_hash: tx.hash })
}
