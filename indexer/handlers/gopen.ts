import { zeroAddress } from '../../protocol/bytes.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import type { Row } from '../store/store.ts'
import { amountIn, contractHandlers, noChange } from './event.ts'

/** Index of GOPEN's events: balances, delegates, and votes and supply at every time. */
export const gopen = contractHandlers({
  'Transfer(address,address,uint256)': (event, { block, timestamp, writer }) => {
    const [from, to, value] = [event.topicAddress(1), event.topicAddress(2), event.uint(0)]
    if (from !== zeroAddress) addBalance(writer, from, -value)
    if (to !== zeroAddress) addBalance(writer, to, value)
    if (from !== zeroAddress && to !== zeroAddress) return
    const last = writer.get('select supply from gopen_supply order by block desc, idx desc limit 1')
    const supply = amountIn(last, 'supply') + (from === zeroAddress ? value : -value)
    writer.insert('gopen_supply', { block, idx: event.index, at: timestamp, supply: String(supply) })
  },
  'DelegateChanged(address,address,address)': (event, { writer }) => {
    const to = event.topicAddress(3)
    changeAccount(writer, event.topicAddress(1), { delegate: to === zeroAddress ? null : to })
  },
  'DelegateVotesChanged(address,uint256,uint256)': (event, { block, timestamp, tx, writer }) => {
    const [account, votes] = [event.topicAddress(1), event.decimal(1)]
    changeAccount(writer, account, { votes })
    writer.insert('vote_checkpoint', { block, idx: event.index, at: timestamp, account, votes, tx_hash: tx.hash })
  },
  // Transfers from and to nobody say the same.
  'Deposit(address,uint256)': noChange,
  'Withdrawal(address,uint256)': noChange,
  'Approval(address,address,uint256)': noChange,
  'EIP712DomainChanged()': noChange,
})

function addBalance(writer: BlockWriter, account: string, wei: bigint): void {
  changeAccount(writer, account, { balance: String(amountIn(writer.state('gopen_account', account), 'balance') + wei) })
}

function changeAccount(writer: BlockWriter, account: string, columns: Row): void {
  const { key: _key, ...before } = writer.state('gopen_account', account) ?? { key: account }
  writer.set('gopen_account', account, { balance: '0', delegate: null, votes: '0', ...before, ...columns })
}
