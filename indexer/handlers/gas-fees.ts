import { contractHandlers, noChange } from './event.ts'

/** Index of the FeeSplitter's events: gas fees as they are divided. */
export const feeSplitter = contractHandlers({
  'FeesDisbursed((address,uint256)[],uint256)': (event, { block, tx, writer }) => {
    const shares = event.structs(0, 2).map(([recipient = '', amount = '0x0']) => ({
      recipient: `0x${recipient.slice(26)}`,
      amount: String(BigInt(amount)),
    }))
    writer.insert('fee_disbursement', {
      block,
      idx: event.index,
      gross: event.decimal(1),
      shares: JSON.stringify(shares),
      tx_hash: tx.hash,
    })
  },
  // What was received is disbursed in the same call.
  'FeesReceived(address,uint256,uint256)': noChange,
  'SharesCalculatorUpdated(address,address)': noChange,
  'Initialized(uint64)': noChange,
})

/** Index of the events of FeeShares. */
export const feeShares = contractHandlers({
  'StakersShareSet(uint16)': (event, { writer }) => writer.set('setting', 'stakersFeeBps', { value: event.decimal(0) }),
  'Initialized(uint64)': noChange,
})
