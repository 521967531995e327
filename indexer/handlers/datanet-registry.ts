import { payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { change, contractHandlers, noChange, shortText } from './event.ts'
import { evidenceRewards } from './evidence-rewards.ts'
import { addPool } from './royalty-pools.ts'

const datanetStatuses = ['none', 'draft', 'open', 'closed', 'archived', 'published'] as const

/** Index of the DatanetRegistry's events. */
export const datanetRegistry = contractHandlers({
  'DatanetCreated(uint64,address,uint8,uint8,bytes32,bytes32)': (event, { block, tx, writer }) => {
    writer.set('datanet', event.topicNumber(1), {
      owner: event.topicAddress(2),
      media_type: event.number(0),
      visibility: event.number(1),
      licence_id: shortText(event.word(2)),
      meta_hash: event.word(3),
      status: 'draft',
      version: 0,
      governed: 0,
      created_block: block,
      created_tx: tx.hash,
    })
    writer.wantContent(event.word(3))
    addPool(writer, poolPayee(payeePools.units, BigInt(event.topicNumber(1))), 'units', event.topicNumber(1))
  },
  'DatanetMeta(uint64,bytes32)': (event, { writer }) => {
    change(writer, 'datanet', event.topicNumber(1), { meta_hash: event.word(0) })
    writer.wantContent(event.word(0))
  },
  'DatanetStatusSet(uint64,uint8)': (event, { writer }) => {
    change(writer, 'datanet', event.topicNumber(1), { status: datanetStatuses[event.number(0)] ?? 'none' })
  },
  'DatanetGoverned(uint64)': (event, { writer }) => {
    change(writer, 'datanet', event.topicNumber(1), { governed: 1 })
  },
  'DatanetParameter(uint64,uint8,uint256)': (event, { writer }) => {
    const [datanet, parameter] = [event.topicNumber(1), event.topicNumber(2)]
    writer.set('datanet_parameter', `${datanet}:${parameter}`, { datanet, parameter, value: String(event.uint(0)) })
  },
  'LimitsSet(uint40,uint40,uint16,uint96)': (event, { writer }) => {
    writer.set('datanet_limits', 0, {
      author_bytes: String(event.uint(0)),
      datanet_bytes: String(event.uint(1)),
      author_files: event.number(2),
      publish_price: String(event.uint(3)),
    })
  },
  'ContributionSubmitted(uint64,uint64,address,bytes32,bytes32,uint16,uint256,uint32,bytes32)': (
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
      size: event.number(4),
      meta_hash: event.word(5),
      batch: null,
      block,
      tx_hash: tx.hash,
    })
    writer.owe('datanets', event.uint(3))
    writer.contributor(event.topicAddress(3), event.topicNumber(1))
    writer.wantContent(event.word(0))
    writer.wantContent(event.word(5))
  },
  'ContributionParent(uint64,uint64,uint8)': (event, { block, writer }) => {
    const [id, parent] = [event.topicNumber(1), event.topicNumber(2)]
    writer.insert('contribution_parent', { id, parent, kind: event.number(0), block })
  },
  'ContributionBatch(uint64,uint64,address,uint32,bytes32,uint256,uint32,bytes32)': (event, { block, tx, writer }) => {
    const count = event.number(0)
    writer.insert('batch', {
      first_id: event.topicNumber(2),
      datanet: event.topicNumber(1),
      author: event.topicAddress(3),
      count,
      root: event.word(1),
      bond: String(count === 0 ? 0n : event.uint(2) / BigInt(count)),
      size: event.number(3),
      meta_hash: event.word(4),
      block,
      tx_hash: tx.hash,
    })
    writer.owe('datanets', event.uint(2))
    writer.contributor(event.topicAddress(3), event.topicNumber(1))
    // The items are listed by the manifest, which is fetched by its root.
    writer.wantManifest(event.topicNumber(2), event.word(1))
    writer.wantContent(event.word(4))
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
  'ContributionHeld(uint64,uint32)': (event, { writer }) => {
    writer.set('contribution_hold', event.topicNumber(1), { holds: event.number(0) })
  },
  'ContributionSlashed(uint64,address,uint256,uint256)': (event, { block, tx, writer }) => {
    const id = event.topicNumber(1)
    const [amount, burned] = [String(event.uint(0)), String(event.uint(1))]
    // The rest is owed to whoever it is rewarded to.
    writer.owe('datanets', -event.uint(1))
    writer.set('decision', `c${id}`, { status: 'slashed', score: 0, reason: null })
    writer.insert('contribution_slash', {
      id,
      reward_to: event.topicAddress(2),
      amount,
      burned,
      block,
      tx_hash: tx.hash,
    })
  },
  'VersionPublished(uint64,uint32,bytes32,bytes32,bytes32,uint64,bytes32,bytes32)': (event, { block, tx, writer }) => {
    const [datanet, version] = [event.topicNumber(1), event.topicNumber(2)]
    writer.insert('version', {
      datanet,
      version,
      items_root: event.word(0),
      token_root: event.word(1),
      suffix_root: event.word(2),
      token_count: String(event.uint(3)),
      croissant_hash: event.word(4),
      statement_hash: event.word(5),
      block,
      tx_hash: tx.hash,
    })
    change(writer, 'datanet', datanet, { version })
    writer.wantContent(event.word(4))
    writer.wantContent(event.word(5))
  },
  'VersionDiffed(uint64,uint32,(bytes32,bytes32,bytes32,uint32,uint32,uint32,uint64),uint256)': (
    event,
    { block, writer },
  ) => {
    writer.insert('version_diff', {
      datanet: event.topicNumber(1),
      version: event.topicNumber(2),
      previous_root: event.word(0),
      added_root: event.word(1),
      removed_root: event.word(2),
      item_count: event.number(3),
      added: event.number(4),
      removed: event.number(5),
      added_bytes: String(event.uint(6)),
      fee: String(event.uint(7)),
      block,
    })
  },
  'LiveGap(uint64,uint32,uint64)': (event, { block, writer }) => {
    const [datanet, version] = [event.topicNumber(1), event.topicNumber(2)]
    writer.insert('live_gap', { datanet, version, hours: String(event.uint(0)), block })
  },
  'PayoutRedirected(uint64,address,uint64)': (event, { writer }) => {
    writer.set('redirect', event.topicNumber(1), { payee: event.address(0), from_time: String(event.uint(1)) })
  },
  'PayoutRotated(address,address,uint64)': (event, { writer }) => {
    writer.set('payout', event.topicAddress(1), { payout: event.address(0), from_epoch: String(event.uint(1)) })
  },
  // A bond that is released is owed still.
  'BondReleased(uint64,address,uint256)': noChange,
  'RefundClaimed(address,address,uint256)': (event, { writer }) => writer.owe('datanets', -event.uint(0)),
})

/** Index of the DatanetJudge's events. The registry's tell what becomes of a false contribution. */
export const datanetJudge = new Map([
  ...evidenceRewards,
  ...contractHandlers({
    'ContributionFault(uint64,address,bytes32,uint256)': (event, { block, writer }) => {
      const id = event.topicNumber(1)
      const [by, fault, bond] = [event.topicAddress(2), shortText(event.word(0)), String(event.uint(1))]
      writer.insert('contribution_fault', { id, by, fault, bond, block })
    },
    'VersionVoided(uint64,uint32,address,bytes32)': (event, { block, writer }) => {
      const [datanet, version] = [event.topicNumber(1), event.topicNumber(2)]
      writer.insert('version_void', {
        datanet,
        version,
        by: event.topicAddress(3),
        fault: shortText(event.word(0)),
        block,
      })
    },
  }),
])
