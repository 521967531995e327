import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { amountIn, change, contractHandlers, type EventHandler, noChange } from './event.ts'

/** Columns that votes are counted in, by GovernorCountingSimple's numbers. */
const tallies = ['votes_against', 'votes_for', 'votes_abstain'] as const

const vote: EventHandler = (event, { block, tx, writer }) => {
  const [proposal, support, weight] = [event.decimal(0), event.number(1), event.uint(2)]
  writer.insert('gov_vote', {
    block,
    idx: event.index,
    proposal,
    voter: event.topicAddress(1),
    support,
    weight: String(weight),
    reason: event.text(3),
    tx_hash: tx.hash,
  })
  const tally = tallies[support] ?? 'votes_abstain'
  const votes = amountIn(writer.state('gov_proposal', proposal), tally) + weight
  change(writer, 'gov_proposal', proposal, { [tally]: String(votes) })
}

const parameter =
  (name: string): EventHandler =>
  (event, { block, timestamp, tx, writer }) =>
    writer.insert('governor_parameter', {
      block,
      idx: event.index,
      at: timestamp,
      name,
      value: event.decimal(1),
      tx_hash: tx.hash,
    })

/** Index of the Governor's events: proposals, votes, and what votes changed about voting. */
export const governor = contractHandlers({
  'ProposalCreated(uint256,address,address[],uint256[],string[],bytes[],uint256,uint256,string)': (
    event,
    { block, tx, writer },
  ) => {
    writer.set('gov_proposal', event.decimal(0), {
      proposer: event.address(1),
      targets: JSON.stringify(event.words(2).map((word) => `0x${word.slice(26)}`)),
      call_values: JSON.stringify(event.words(3).map((word) => String(BigInt(word)))),
      calldatas: JSON.stringify(event.byteStrings(5)),
      description: event.text(8),
      description_hash: keccakHex(hexToBytes(event.bytes(8))),
      votes_for: '0',
      votes_against: '0',
      votes_abstain: '0',
      operation: null,
      tx_hash: tx.hash,
      vote_start: event.number(6),
      vote_end: event.number(7),
      eta: null,
      canceled: 0,
      executed: 0,
      block,
    })
  },
  'VoteCast(address,uint256,uint8,uint256,string)': vote,
  'VoteCastWithParams(address,uint256,uint8,uint256,string,bytes)': vote,
  'ProposalQueued(uint256,uint256)': (event, { tx, writer }) => {
    const proposal = event.decimal(0)
    const row = writer.state('gov_proposal', proposal)
    // The Timelock told of its operation earlier in this transaction.
    const salt = saltOf(String(row?.['description_hash']) as Hex)
    const found = writer.get(
      'select key from timelock_operation where salt = ? and tx_hash = ? order by block desc, ready_at desc limit 1',
      salt,
      tx.hash,
    )
    change(writer, 'gov_proposal', proposal, { eta: event.number(1), operation: found?.['key'] ?? null })
  },
  'ProposalExecuted(uint256)': (event, { writer }) => change(writer, 'gov_proposal', event.decimal(0), { executed: 1 }),
  'ProposalCanceled(uint256)': (event, { writer }) => change(writer, 'gov_proposal', event.decimal(0), { canceled: 1 }),
  'VotingDelaySet(uint256,uint256)': parameter('votingDelaySeconds'),
  'VotingPeriodSet(uint256,uint256)': parameter('votingPeriodSeconds'),
  'ProposalThresholdSet(uint256,uint256)': parameter('proposalThreshold'),
  'QuorumNumeratorUpdated(uint256,uint256)': parameter('quorumPercent'),
  // Who looks at the Governor reads it; this index follows the Timelock of genesis.
  'TimelockChange(address,address)': noChange,
  'EIP712DomainChanged()': noChange,
})

/** GovernorTimelockControl's salt of a proposal: the Governor's address and the hash of the description. */
function saltOf(descriptionHash: Hex): Hex {
  const salt = BigInt(descriptionHash) ^ (BigInt(openLedgerPredeploys.governor) << 96n)
  return bytesToHex(uintBytes(salt, 32))
}
