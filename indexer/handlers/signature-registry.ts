import { contractHandlers } from './event.ts'

/** Index of the SignatureRegistry's events: signatures of contributions that anybody may compare since. */
export const signatureRegistry = contractHandlers({
  'SignatureShown(uint64,address,bytes)': (event, { block, timestamp, tx, writer }) =>
    writer.set('shown_signature', event.topicNumber(1), {
      shown_by: event.topicAddress(2),
      signature: event.bytes(0),
      shown_at: timestamp,
      block,
      tx_hash: tx.hash,
    }),
})
