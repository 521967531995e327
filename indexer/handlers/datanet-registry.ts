import { payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { change, contractHandlers, noChange, shortText } from './event.ts'
import { addPool } from './royalty-pools.ts'

const datanetStatuses = ['none', 'draft', 'open', 'closed', 'archived'] as const

/** Index of the DatanetRegistry's events. */
export const datanetRegistry = contractHandlers({
  'DatanetCreated(uint64,address,uint8,bytes32,bytes32)': (event, { block, tx, writer }) => {
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
    addPool(writer, poolPayee(payeePools.units, BigInt(event.topicNumber(1))), 'units', event.topicNumber(1))
  },
  'DatanetMeta(uint64,bytes32)': (event, { writer }) => {
    change(writer, 'datanet', event.topicNumber(1), { meta_hash: event.word(0) })
    writer.wantContent(event.word(0))
  },
  'DatanetStatus(uint64,uint8)': (event, { writer }) => {
    change(writer, 'datanet', event.topicNumber(1), { status: datanetStatuses[event.number(0)] ?? 'none' })
  },
  'ContributionSubmitted(uint64,uint64,address,bytes32,bytes32,uint8,uint256)': (event, { block, tx, writer }) => {
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
  'ContributionBatch(uint64,uint64,address,uint32,bytes32,uint256)': (event, { block, tx, writer }) => {
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
  'ContributionDecided(uint64,bool,uint16,bytes32)': (event, { writer }) => {
    const status = event.uint(0) === 1n ? 'accepted' : 'rejected'
    writer.set('decision', `c${event.topicNumber(1)}`, { status, score: event.number(1), reason: event.word(2) })
  },
  'ContributionBatchDecided(uint64,bool,uint32,bytes32)': (event, { writer }) => {
    const status = event.uint(0) === 1n ? 'accepted' : 'rejected'
    writer.set('decision', `b${event.topicNumber(1)}`, { status, score: 0, reason: event.word(2) })
  },
  'ConsentWithdrawn(uint64,uint32)': (event, { writer }) => {
    writer.set('decision', `c${event.topicNumber(1)}`, { status: 'withdrawn', score: 0, reason: null })
  },
  'VersionPublished(uint64,uint32,bytes32,bytes32,bytes32,uint64,bytes32)': (event, { block, tx, writer }) => {
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
    change(writer, 'datanet', datanet, { version })
    writer.wantContent(event.word(4))
  },
  'PayoutRotated(address,address,uint64)': (event, { writer }) => {
    writer.set('payout', event.topicAddress(1), { payout: event.address(0), from_epoch: String(event.uint(1)) })
  },
  // Bonds and refunds are the contract's money: the index shows what was locked.
  'BondReleased(uint64,address,uint256)': noChange,
  'RefundClaimed(address,address,uint256)': noChange,
})
