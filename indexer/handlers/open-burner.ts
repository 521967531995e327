import { contractHandlers } from './event.ts'

/** Index of the OpenBurner's events. */
export const openBurner = contractHandlers({
  'Burned(address,uint256)': (event, { block, tx, writer }) =>
    writer.insert('burn', {
      block,
      idx: event.index,
      account: event.topicAddress(1),
      amount: event.decimal(0),
      tx_hash: tx.hash,
    }),
})
