import { olKinds } from '../../protocol/ol-payload.ts'
import { dataRequests } from './data-requests.ts'
import { epochLedger } from './epoch-ledger.ts'
import { contractHandlers, noChange } from './event.ts'

/** Index of the AttributionLedger's events. */
export const attributionLedger = new Map([
  ...epochLedger,
  ...dataRequests,
  ...contractHandlers({
    'AttributionDeclared(address,uint8,uint64,uint64,bytes16,bytes)': (event, { block, tx, writer }) =>
      writer.insert('declaration', {
        block,
        idx: event.index,
        sender: event.topicAddress(1),
        // Kind 0: the payload cannot be read.
        kind: olKinds[event.number(0) - 1] ?? null,
        model_id: event.decimal(1),
        datanet_id: event.decimal(2),
        request_id: event.word(3).slice(0, 34),
        payload: event.bytes(4),
        tx_hash: tx.hash,
      }),
    'AlgoSet(bytes32,uint64)': (event, { block, writer }) =>
      writer.insert('algo', { hash: event.topic(1), in_force_from: event.number(0), block }),
    'Initialized(uint64)': noChange,
  }),
])
