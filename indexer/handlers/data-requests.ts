import { change, contractHandlers } from './event.ts'

/** What a demand asks for; `DataKind` of Demands.sol. From `credit` on it is of an epoch, before that of a batch. */
const kinds = ['receipt', 'entry', 'prompt', 'output', 'credit', 'payout'] as const
const firstOfEpochs = kinds.indexOf('credit')

/** Demands for data at the AttributionLedger. */
export const dataRequests = contractHandlers({
  'DataRequested(bytes32,uint64,address,(uint8,bytes32,bytes32,uint32,uint32),uint128,uint64)': (
    event,
    { block, tx, writer },
  ) => {
    const [kind, number] = [event.number(1), event.topicNumber(2)]
    writer.set('demand', event.topic(1), {
      kind: kinds[kind] ?? String(kind),
      batch: kind < firstOfEpochs ? number : null,
      epoch: kind < firstOfEpochs ? null : number,
      requester: event.address(0),
      subject: event.word(2),
      root: event.word(3),
      count: event.number(4),
      idx: event.number(5),
      prepaid: event.decimal(6),
      due_at: event.number(7),
      status: 'open',
      answerer: null,
      answer: null,
      block,
      tx_hash: tx.hash,
    })
  },
  'DataServed(bytes32,address,bytes)': (event, { writer }) =>
    change(writer, 'demand', event.topic(1), {
      status: 'served',
      answerer: event.topicAddress(2),
      answer: event.bytes(0),
    }),
  'DataMissing(bytes32,uint64,address)': (event, { writer }) =>
    change(writer, 'demand', event.topic(1), { status: 'missing' }),
  'DataRequestDropped(bytes32,uint64)': (event, { writer }) =>
    change(writer, 'demand', event.topic(1), { status: 'dropped' }),
})
