import { change, contractHandlers, noChange } from './event.ts'

const supports = ['against', 'for', 'abstain'] as const

/** Index of DatanetVotes' events. */
export const datanetVotes = contractHandlers({
  'ProposalMade(uint64,uint64,address,uint8,uint256,uint64,uint64,uint128,bytes32)': (event, { block, tx, writer }) =>
    writer.set('unit_proposal', event.topicNumber(1), {
      datanet: event.topicNumber(2),
      proposer: event.topicAddress(3),
      parameter: event.number(0),
      value: event.decimal(1),
      snapshot: event.number(2),
      closes_at: event.number(3),
      quorum: event.decimal(4),
      reason: event.word(5),
      votes_for: '0',
      votes_against: '0',
      votes_abstain: '0',
      executed: 0,
      block,
      tx_hash: tx.hash,
    }),
  'UnitsVoted(uint64,address,uint8,uint256)': (event, { block, tx, writer }) => {
    const [proposal, units] = [event.topicNumber(1), event.uint(1)]
    const support = supports[event.number(0)] ?? 'abstain'
    const name = `votes_${support}`
    const before = BigInt(String(writer.state('unit_proposal', proposal)?.[name] ?? 0))
    change(writer, 'unit_proposal', proposal, { [name]: String(before + units) })
    const voter = event.topicAddress(2)
    const row = { proposal, voter, support, units: String(units), tx_hash: tx.hash }
    writer.insert('unit_vote', { block, idx: event.index, ...row })
  },
  'ProposalCarriedOut(uint64,uint64,uint8,uint256)': (event, { writer }) =>
    change(writer, 'unit_proposal', event.topicNumber(1), { executed: 1 }),
  'VoteRuleSet(uint64,uint8,uint256)': (event, { writer }) => {
    const [datanet, parameter] = [event.topicNumber(1), event.number(0)]
    writer.set('datanet_parameter', `${datanet}:${parameter}`, { datanet, parameter, value: event.decimal(1) })
  },
  'Initialized(uint64)': noChange,
})
