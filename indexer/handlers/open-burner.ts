import { contractHandlers } from './event.ts'
import { membersBurned } from './staked-members.ts'

/** Index of the OpenBurner's events. */
export const openBurner = contractHandlers({
  'Burned(address,uint256)': (event, { block, tx, writer }) => {
    membersBurned(writer, event.topicAddress(1), event.uint(0))
    writer.insert('burn', {
      block,
      idx: event.index,
      account: event.topicAddress(1),
      amount: event.decimal(0),
      tx_hash: tx.hash,
    })
  },
})
