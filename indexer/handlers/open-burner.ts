import { committeeBurned } from './checker-committee.ts'
import { reviewBurned } from './datanet-review.ts'
import { contractHandlers } from './event.ts'

/** Index of the OpenBurner's events. */
export const openBurner = contractHandlers({
  'Burned(address,uint256)': (event, { block, tx, writer }) => {
    committeeBurned(writer, event.topicAddress(1), event.uint(0))
    reviewBurned(writer, event.topicAddress(1), event.uint(0))
    writer.insert('burn', {
      block,
      idx: event.index,
      account: event.topicAddress(1),
      amount: event.decimal(0),
      tx_hash: tx.hash,
    })
  },
})
