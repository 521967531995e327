import { amountIn, change, contractHandlers, noChange } from './event.ts'
import { memberKey, stakedMembers } from './staked-members.ts'

const grounds = ['duplicate', 'plagiarism', 'poison', 'licence', 'consent', 'media_type'] as const
const verdicts = ['none', 'dismissed', 'upheld'] as const

/** Index of DatanetReview's events: validators, rounds, votes, disputes, labels. */
export const datanetReview = contractHandlers({
  ...stakedMembers('reviews'),
  'RoundOpened(uint64,uint64,address,uint32,uint256,uint64,uint64)': (event, { block, timestamp, tx, writer }) => {
    writer.set('review_round', event.topicNumber(1), {
      contribution: event.topicNumber(2),
      opener: event.topicAddress(3),
      weight: event.number(0),
      fee: event.decimal(1),
      commit_until: event.number(2),
      reveal_until: event.number(3),
      opened_at: timestamp,
      ...{ dispute: null, status: 'open', committed: 0, revealed: 0, score: null, pay: '0', block, tx_hash: tx.hash },
    })
    writer.owe('reviews', event.uint(1))
  },
  'ScoreCommitted(uint64,address,bytes32,uint32)': (event, { block, writer }) => {
    const [round, validator, weight] = [event.topicNumber(1), event.topicAddress(2), event.number(1)]
    const row = { round, validator, weight, score: null, paid: '0', block }
    writer.set('review_vote', `${round}-${validator}`, row)
    const before = Number(writer.state('review_round', round)?.['committed'] ?? 0)
    change(writer, 'review_round', round, { committed: before + weight })
  },
  'ScoreRevealed(uint64,address,uint16,uint32)': (event, { writer }) => {
    const round = event.topicNumber(1)
    change(writer, 'review_vote', `${round}-${event.topicAddress(2)}`, { score: event.number(0) })
    const before = Number(writer.state('review_round', round)?.['revealed'] ?? 0)
    change(writer, 'review_round', round, { revealed: before + event.number(1) })
  },
  'RoundClosed(uint64,bool,uint16,uint32,uint256)': (event, { writer }) => {
    const decided = event.number(0) === 1
    change(writer, 'review_round', event.topicNumber(1), {
      status: decided ? 'decided' : 'void',
      score: decided ? event.number(1) : null,
      pay: event.decimal(3),
    })
  },
  'ReviewPaid(uint64,address,uint256)': (event, { writer }) => {
    const [validator, amount] = [event.topicAddress(2), event.uint(0)]
    change(writer, 'review_vote', `${event.topicNumber(1)}-${validator}`, { paid: String(amount) })
    const member = memberKey('reviews', validator)
    const row = writer.state('staked_member', member)
    change(writer, 'staked_member', member, { paid: String(amountIn(row, 'paid') + amount) })
  },
  // DatanetRegistry tells the decision.
  'ReviewDecided(uint64,uint64,bool,uint16)': noChange,
  'ContributionChallenged(uint64,uint64,address,uint8,uint64,bytes32,uint64,uint256)': (
    event,
    { block, tx, writer },
  ) => {
    const [dispute, round, original] = [event.topicNumber(1), event.number(3), event.number(1)]
    writer.set('item_dispute', dispute, {
      contribution: event.topicNumber(2),
      challenger: event.topicAddress(3),
      ground: grounds[event.number(0)] ?? String(event.number(0)),
      original: original === 0 ? null : original,
      evidence: event.word(2),
      round,
      bond: event.decimal(4),
      ...{ status: 'voting', verdict: 'none', appellant: null, appeal_bond: '0', escrow_to: null, slashed: '0' },
      ...{ appeal_until: null, ruling_until: null, block, tx_hash: tx.hash },
    })
    change(writer, 'review_round', round, { dispute })
    writer.owe('reviews', event.uint(4))
  },
  'DisputeVerdict(uint64,uint8,uint64)': (event, { writer }) =>
    change(writer, 'item_dispute', event.topicNumber(1), {
      status: 'decided',
      verdict: verdicts[event.number(0)] ?? 'none',
      appeal_until: event.number(1),
    }),
  'DisputeAppealed(uint64,address,uint256,uint64)': (event, { writer }) => {
    change(writer, 'item_dispute', event.topicNumber(1), {
      status: 'appealed',
      appellant: event.topicAddress(2),
      appeal_bond: event.decimal(0),
      ruling_until: event.number(1),
    })
    writer.owe('reviews', event.uint(0))
  },
  'DisputeRuled(uint64,uint8)': (event, { writer }) =>
    change(writer, 'item_dispute', event.topicNumber(1), {
      status: 'ruled',
      verdict: verdicts[event.number(0)] ?? 'none',
    }),
  'DisputeSettled(uint64,uint64,bool,address,uint256)': (event, { writer }) =>
    change(writer, 'item_dispute', event.topicNumber(1), {
      status: 'settled',
      verdict: event.number(0) === 1 ? 'upheld' : 'dismissed',
      escrow_to: event.address(1),
      slashed: event.decimal(2),
    }),
  'LabelShared(uint64,uint64,address,uint16,uint32)': (event, { block, writer }) =>
    writer.set('shared_label', event.topicNumber(2), {
      contribution: event.topicNumber(1),
      author: event.topicAddress(3),
      labels_bps: event.number(0),
      earns: 1,
      block,
    }),
  'LabelDropped(uint64,uint64)': (event, { writer }) =>
    change(writer, 'shared_label', event.topicNumber(2), { earns: 0 }),
  'Initialized(uint64)': noChange,
})
