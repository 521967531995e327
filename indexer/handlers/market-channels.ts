import type { BlockWriter } from '../store/block-writer.ts'
import type { Row } from '../store/store.ts'
import { amountIn, change, contractHandlers } from './event.ts'

/** Deposits of the InferenceMarket: channels, and what is owed to accounts themselves. */
export const marketChannels = contractHandlers({
  'PayerDeposited(bytes32,address,address,uint256)': (event, { block, writer }) => {
    const channel = event.topic(1)
    const before = writer.state('channel', channel)
    if (before !== undefined) return move(writer, channel, event.uint(0), 0n)
    writer.set('channel', channel, {
      payer: event.topicAddress(2),
      worker: event.topicAddress(3),
      balance: event.decimal(0),
      spent: '0',
      withdrawal: null,
      withdrawal_at: null,
      block,
    })
  },
  'WithdrawalRequested(bytes32,uint128,uint64)': (event, { writer }) =>
    change(writer, 'channel', event.topic(1), { withdrawal: event.decimal(0), withdrawal_at: event.number(1) }),
  'HomeBound(address,address)': (event, { writer }) =>
    writer.set('payer_home', event.topicAddress(1), { home: event.topicAddress(2) }),
  'WithdrawalCancelled(bytes32)': (event, { writer }) => change(writer, 'channel', event.topic(1), noWithdrawal),
  'PayerWithdrawn(bytes32,address,address,uint256)': (event, { writer }) =>
    move(writer, event.topic(1), -event.uint(1), 0n, noWithdrawal),
  'ChannelRefunded(bytes32,uint64,uint256)': (event, { writer }) => {
    writer.owe('market', -event.uint(0))
    move(writer, event.topic(1), event.uint(0), 0n)
  },
  'RefundClaimed(address,address,uint256)': (event, { writer }) => {
    const account = event.topicAddress(1)
    const claimed = amountIn(writer.state('refund', account), 'claimed') + event.uint(0)
    writer.set('refund', account, { owed: '0', claimed: String(claimed) })
  },
})

const noWithdrawal: Row = { withdrawal: null, withdrawal_at: null }

/** A batch takes a segment's fee out of its channel. */
export function debit(writer: BlockWriter, channel: string, fee: bigint): void {
  move(writer, channel, -fee, fee)
}

/** Adds to what an account can fetch. */
export function owe(writer: BlockWriter, account: string, amount: bigint): void {
  const before = writer.state('refund', account)
  const owed = amountIn(before, 'owed') + amount
  writer.set('refund', account, { owed: String(owed), claimed: before?.['claimed'] ?? '0' })
}

function move(writer: BlockWriter, channel: string, balance: bigint, spent: bigint, columns: Row = {}): void {
  const before = writer.state('channel', channel)
  // Nobody ever paid into it: all that can be settled there is a fee of nothing.
  if (before === undefined) return
  change(writer, 'channel', channel, {
    balance: String(amountIn(before, 'balance') + balance),
    spent: String(amountIn(before, 'spent') + spent),
    ...columns,
  })
}
