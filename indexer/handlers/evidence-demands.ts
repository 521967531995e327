import { change, contractHandlers, noChange } from './event.ts'

/** Index of the EvidenceDemands' events: evidence of entries that somebody asked for. */
export const evidenceDemands = contractHandlers({
  'EvidenceRequested(bytes32,bytes32,address,uint128,uint64)': (event, { block, tx, writer }) =>
    writer.set('evidence_demand', event.topic(1), {
      evidence_hash: event.topic(2),
      requester: event.address(0),
      prepaid: event.decimal(1),
      due_at: event.number(2),
      status: 'open',
      answerer: null,
      evidence: null,
      block,
      tx_hash: tx.hash,
    }),
  'EvidenceServed(bytes32,address,bytes)': (event, { writer }) =>
    change(writer, 'evidence_demand', event.topic(1), {
      status: 'served',
      answerer: event.topicAddress(2),
      evidence: event.bytes(0),
    }),
  // The answer was late.
  'PrepaidReturned(bytes32,address,uint128)': (event, { writer }) =>
    change(writer, 'evidence_demand', event.topic(1), { status: 'missing' }),
  'Initialized(uint64)': noChange,
})
