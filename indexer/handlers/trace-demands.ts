import { change, contractHandlers, noChange } from './event.ts'

/** Index of the TraceDemands' events: parts of a receipt's trace that somebody asked for. */
export const traceDemands = contractHandlers({
  'TraceRequested(bytes32,uint64,uint32,uint8,uint8,uint32,address,uint128,uint64)': (event, { block, tx, writer }) =>
    writer.set('trace_demand', event.topic(1), {
      batch: event.topicNumber(2),
      receipt: event.topicNumber(3),
      tree: event.number(0),
      depth: event.number(1),
      idx: event.number(2),
      requester: event.address(3),
      prepaid: event.decimal(4),
      due_at: event.number(5),
      status: 'open',
      answerer: null,
      answer: null,
      block,
      tx_hash: tx.hash,
    }),
  'TraceServed(bytes32,address,bytes)': (event, { writer }) =>
    change(writer, 'trace_demand', event.topic(1), {
      status: 'served',
      answerer: event.topicAddress(2),
      answer: event.bytes(0),
    }),
  // The answer was late.
  'PrepaidReturned(bytes32,address,uint128)': (event, { writer }) =>
    change(writer, 'trace_demand', event.topic(1), { status: 'missing' }),
  'Initialized(uint64)': noChange,
})
