import type { Hex } from '../../protocol/bytes.ts'
import type { Row } from '../store/store.ts'
import type { IndexedLog } from '../sync/chain-client.ts'
import type { EventContext } from './datanet-registry.ts'
import { EventReader, eventTopic } from './event.ts'

/** Index of the CodeRegistry's events. */
export function handleCodeRegistry(log: IndexedLog, context: EventContext): void {
  const topic = log.topics[0]
  if (topic !== undefined) handlers[topic]?.(new EventReader(log), context)
}

const handlers: Readonly<Record<Hex, (event: EventReader, context: EventContext) => void>> = {
  [eventTopic('CodeRegistered(bytes32,address,string,address,string)')]: (event, { block, writer }) => {
    writer.set('code', event.topic(1), {
      code: event.text(0),
      owner: event.topicAddress(2),
      payout: event.address(1),
      uri: event.text(2),
      block,
    })
  },
  [eventTopic('CodePayoutSet(bytes32,address)')]: (event, context) =>
    change(context, event.topic(1), { payout: event.address(0) }),
  [eventTopic('CodeURISet(bytes32,string)')]: (event, context) =>
    change(context, event.topic(1), { uri: event.text(0) }),
  [eventTopic('CodeTransferred(bytes32,address,address)')]: (event, context) =>
    change(context, event.topic(1), { owner: event.topicAddress(3) }),
}

function change({ writer }: EventContext, codeHash: Hex, columns: Row): void {
  const before = writer.state('code', codeHash)
  if (before === undefined) throw new Error(`event of code ${codeHash}, which was never registered`)
  const { key: _key, ...row } = before
  writer.set('code', codeHash, { ...row, ...columns })
}
