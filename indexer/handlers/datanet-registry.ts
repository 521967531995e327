import type { Hex } from '../../protocol/bytes.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import type { Row } from '../store/store.ts'
import type { IndexedLog, IndexedTransaction } from '../sync/chain-client.ts'
import { EventReader, eventTopic, shortText } from './event.ts'

/** Where an event stands. */
export type EventContext = { readonly block: number; readonly tx: IndexedTransaction; readonly writer: BlockWriter }

const datanetStatuses = ['none', 'draft', 'open', 'closed', 'archived'] as const

/** Index of the DatanetRegistry's events. */
export function handleDatanetRegistry(log: IndexedLog, context: EventContext): void {
  const topic = log.topics[0]
  if (topic !== undefined) handlers[topic]?.(new EventReader(log), context)
}

const handlers: Readonly<Record<Hex, (event: EventReader, context: EventContext) => void>> = {
  [eventTopic('DatanetCreated(uint64,address,uint8,bytes32,bytes32)')]: (event, { block, tx, writer }) => {
    writer.set('datanet', event.topicNumber(1), {
      owner: event.topicAddress(2),
      media_type: event.number(0),
      licence_id: shortText(event.word(1)),
      meta_hash: event.word(2),
      status: 'draft',
      version: 0,
      created_block: block,
      created_tx: tx.hash,
    })
    writer.wantContent(event.word(2))
  },
  [eventTopic('DatanetMeta(uint64,bytes32)')]: (event, { writer }) => {
    change(writer, event.topicNumber(1), { meta_hash: event.word(0) })
    writer.wantContent(event.word(0))
  },
  [eventTopic('DatanetStatus(uint64,uint8)')]: (event, { writer }) => {
    change(writer, event.topicNumber(1), { status: datanetStatuses[event.number(0)] ?? 'none' })
  },
  [eventTopic('ContributionSubmitted(uint64,uint64,address,bytes32,bytes32,uint8,uint256)')]: (
    event,
    { block, tx, writer },
  ) => {
    writer.insert('contribution', {
      id: event.topicNumber(2),
      datanet: event.topicNumber(1),
      author: event.topicAddress(3),
      content_hash: event.word(0),
      sim_hash: event.word(1),
      consent: event.number(2),
      bond: String(event.uint(3)),
      batch: null,
      block,
      tx_hash: tx.hash,
    })
    writer.contributor(event.topicAddress(3), event.topicNumber(1))
    writer.wantContent(event.word(0))
  },
  [eventTopic('ContributionBatch(uint64,uint64,address,uint32,bytes32,uint256)')]: (event, { block, tx, writer }) => {
    const count = event.number(0)
    writer.insert('batch', {
      first_id: event.topicNumber(2),
      datanet: event.topicNumber(1),
      author: event.topicAddress(3),
      count,
      root: event.word(1),
      bond: String(count === 0 ? 0n : event.uint(2) / BigInt(count)),
      block,
      tx_hash: tx.hash,
    })
    writer.contributor(event.topicAddress(3), event.topicNumber(1))
    // The items are listed by the manifest, which is fetched by its root.
    writer.wantManifest(event.topicNumber(2), event.word(1))
  },
  [eventTopic('ContributionDecided(uint64,bool,uint16,bytes32)')]: (event, { writer }) => {
    const status = event.uint(0) === 1n ? 'accepted' : 'rejected'
    writer.set('decision', `c${event.topicNumber(1)}`, { status, score: event.number(1), reason: event.word(2) })
  },
  [eventTopic('ContributionBatchDecided(uint64,bool,uint32,bytes32)')]: (event, { writer }) => {
    const status = event.uint(0) === 1n ? 'accepted' : 'rejected'
    writer.set('decision', `b${event.topicNumber(1)}`, { status, score: 0, reason: event.word(2) })
  },
  [eventTopic('ConsentWithdrawn(uint64,uint32)')]: (event, { writer }) => {
    writer.set('decision', `c${event.topicNumber(1)}`, { status: 'withdrawn', score: 0, reason: null })
  },
  [eventTopic('VersionPublished(uint64,uint32,bytes32,bytes32,bytes32,uint64,bytes32)')]: (
    event,
    { block, tx, writer },
  ) => {
    const [datanet, version] = [event.topicNumber(1), event.topicNumber(2)]
    writer.insert('version', {
      datanet,
      version,
      items_root: event.word(0),
      token_root: event.word(1),
      suffix_root: event.word(2),
      token_count: String(event.uint(3)),
      croissant_hash: event.word(4),
      block,
      tx_hash: tx.hash,
    })
    change(writer, datanet, { version })
    writer.wantContent(event.word(4))
  },
  [eventTopic('PayoutRotated(address,address,uint64)')]: (event, { writer }) => {
    writer.set('payout', event.topicAddress(1), { payout: event.address(0), from_epoch: String(event.uint(1)) })
  },
}

/** Sets some columns of a Datanet. */
function change(writer: BlockWriter, id: number, columns: Row): void {
  const before = writer.state('datanet', id)
  if (before === undefined) throw new Error(`event of Datanet ${id}, which was never created`)
  const { key: _key, ...row } = before
  writer.set('datanet', id, { ...row, ...columns })
}
