import { change, contractHandlers, noChange } from './event.ts'

/** Index of the FingerprintJudge's events: leaves of fingerprints that somebody asked for. */
export const fingerprintJudge = contractHandlers({
  'FingerprintRequested(bytes32,uint64,uint32,uint32,address,uint128,uint64)': (event, { block, tx, writer }) =>
    writer.set('fingerprint_demand', event.topic(1), {
      batch: event.topicNumber(2),
      receipt: event.topicNumber(3),
      idx: event.number(0),
      requester: event.address(1),
      prepaid: event.decimal(2),
      due_at: event.number(3),
      status: 'open',
      answerer: null,
      kind: null,
      width: null,
      leaf: null,
      tree_root: null,
      block,
      tx_hash: tx.hash,
    }),
  'FingerprintServed(bytes32,address,uint8,uint32,bytes,bytes32)': (event, { writer }) =>
    change(writer, 'fingerprint_demand', event.topic(1), {
      status: 'served',
      answerer: event.topicAddress(2),
      kind: event.number(0),
      width: event.number(1),
      leaf: event.bytes(2),
      tree_root: event.word(3),
    }),
  // The answer was late.
  'PrepaidReturned(bytes32,address,uint128)': (event, { writer }) =>
    change(writer, 'fingerprint_demand', event.topic(1), { status: 'missing' }),
  'Initialized(uint64)': noChange,
})
