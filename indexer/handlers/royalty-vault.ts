import type { BlockWriter } from '../store/block-writer.ts'
import type { Row } from '../store/store.ts'
import { amountIn, contractHandlers, type EventHandler, noChange } from './event.ts'
import { royaltyPools } from './royalty-pools.ts'

/** Index of the RoyaltyVault's events: who was paid what, and where their money goes. */
export const royaltyVault = new Map([
  ...royaltyPools,
  ...contractHandlers({
    'Claimed(address,uint64,uint256,address)': (event, context) => {
      const [payee, amount] = [event.topicAddress(1), event.uint(0)]
      const { writer } = context
      const claimed = amountIn(writer.state('payee', payee), 'claimed') + amount
      writer.owe('vault', -amount)
      changePayee(writer, payee, { claimed: String(claimed), claimed_epoch: event.topicNumber(2) })
      claimRow('payout')(event, context)
    },
    'ClaimSkipped(address,uint64,uint256,address)': (event, context) => claimRow('skipped')(event, context),
    'RecipientSet(address,address)': (event, { writer }) => {
      const recipient = event.address(0)
      changePayee(writer, event.topicAddress(1), { recipient: /^0x0+$/.test(recipient) ? null : recipient })
    },
    'ClaimsRestricted(address,bool)': (event, { writer }) =>
      changePayee(writer, event.topicAddress(1), { restricted: event.number(0) }),
    'OperatorSet(address,address,bool)': (event, { writer }) => {
      const [payee, operator] = [event.topicAddress(1), event.topicAddress(2)]
      writer.set('operator', `${payee}-${operator}`, { payee, operator, allowed: event.number(0) })
    },
    'EpochsPassed(address,uint64)': (event, { writer }) =>
      changePayee(writer, event.topicAddress(1), { claimed_epoch: event.number(0) }),
    // The ledger says the same in the call that makes an epoch final, the market in the one that pays it.
    'RootPublished(uint64,bytes32)': noChange,
    'EpochCredited(uint128,uint128,uint128)': noChange,
    'Initialized(uint64)': noChange,
  }),
])

function changePayee(writer: BlockWriter, payee: string, columns: Row): void {
  const { key: _key, ...before } = writer.state('payee', payee) ?? { key: payee }
  const none = { claimed: '0', claimed_epoch: null, recipient: null, restricted: 0 }
  writer.set('payee', payee, { ...none, ...before, ...columns })
}

const claimRow =
  (kind: 'payout' | 'skipped'): EventHandler =>
  (event, { block, tx, writer }) =>
    writer.insert('claim', {
      block,
      idx: event.index,
      kind,
      payee: event.topicAddress(1),
      pool: null,
      epoch: event.topicNumber(2),
      amount: event.decimal(0),
      recipient: event.address(1),
      tx_hash: tx.hash,
    })
