import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { caseOutcomes } from '../../protocol/committee-vote.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import { amountIn, change, contractHandlers, type EventReader, noChange } from './event.ts'

/** wei that a case brings: CheckerCommittee's `openPrice`. */
export const casePrice = (10n ** 18n * 125n) / 100n
const book = 'committee'
const kinds = ['fingerprint', 'sketch']

/** Index of the CheckerCommittee's events: its members, cases and votes. */
export const checkerCommittee = contractHandlers({
  'MemberStaked(address,uint256,uint256)': (event, { block, writer }) => {
    const member = event.topicAddress(1)
    const before = writer.state('committee_member', member)
    const { key: _key, ...known } = before ?? { ...noMember, block }
    writer.set('committee_member', member, { ...known, stake: event.decimal(1) })
    hold(writer, event.uint(0))
  },
  'MemberUnbonding(address,uint256,uint64)': (event, { writer }) => {
    const [member, amount] = [event.topicAddress(1), event.uint(0)]
    const row = writer.state('committee_member', member)
    change(writer, 'committee_member', member, {
      stake: String(amountIn(row, 'stake') - amount),
      unbonding: String(amountIn(row, 'unbonding') + amount),
      unbonds_at: event.number(1),
    })
  },
  'MemberWithdrawn(address,address,uint256)': (event, { writer }) => {
    change(writer, 'committee_member', event.topicAddress(1), { unbonding: '0', unbonds_at: 0 })
    hold(writer, -event.uint(1))
  },
  'MemberSlashed(address,uint256,uint256,address,bytes32)': (event, { writer }) => {
    const [member, amount] = [event.topicAddress(1), event.uint(0)]
    const row = writer.state('committee_member', member)
    const stake = amountIn(row, 'stake')
    const ofStake = amount < stake ? amount : stake
    change(writer, 'committee_member', member, {
      stake: String(stake - ofStake),
      unbonding: String(amountIn(row, 'unbonding') - (amount - ofStake)),
      slashed: String(amountIn(row, 'slashed') + amount),
    })
    const seat = seatsOf(writer, event.word(3)).find(([, each]) => each['member'] === member)
    if (seat !== undefined) change(writer, 'committee_seat', seat[0], { lost: String(amount) })
  },
  'MemberJailed(address,uint64)': (event, { writer }) =>
    change(writer, 'committee_member', event.topicAddress(1), { jailed: 1, jailed_until: event.number(0) }),
  'MemberUnjailed(address)': (event, { writer }) =>
    change(writer, 'committee_member', event.topicAddress(1), { jailed: 0 }),
  'MemberWeight(address,uint16,uint32)': (event, { writer }) =>
    change(writer, 'committee_member', event.topicAddress(1), { weight: event.number(0) }),
  'OwedClaimed(address,address,uint256)': (event, { writer }) => {
    const account = event.topicAddress(1)
    const row = writer.state('committee_member', account)
    if (row !== undefined) {
      change(writer, 'committee_member', account, { claimed: String(amountIn(row, 'claimed') + event.uint(1)) })
    }
    hold(writer, -event.uint(1))
  },
  'CaseOpened(bytes32,uint64,uint32,uint8,bytes32,address,address,uint64)': (event, { block, tx, writer }) => {
    writer.set('committee_case', event.topic(1), {
      batch: event.topicNumber(2),
      receipt: event.topicNumber(3),
      kind: kinds[event.number(0)] ?? String(event.number(0)),
      evidence: event.word(1),
      worker: event.address(2),
      challenger: event.address(3),
      origin: event.number(4),
      beacon: null,
      status: 'open',
      right_votes: 0,
      wrong_votes: 0,
      closed_block: null,
      block,
      tx_hash: tx.hash,
    })
    hold(writer, casePrice)
  },
  'CaseDrawn(bytes32,bytes32,address[])': (event, { writer }) => {
    const id = event.topic(1)
    change(writer, 'committee_case', id, { beacon: event.word(0) })
    for (const [idx, word] of event.words(1).entries()) {
      const member = `0x${word.slice(26)}`
      writer.set('committee_seat', `${id}-${idx}`, { case_id: id, member, vote: 'none', lost: '0', idx })
    }
  },
  'VoteSent(bytes32,address)': (event, { writer }) => vote(event, writer, 'sent'),
  'VoteShown(bytes32,address,bool)': (event, { writer }) =>
    vote(event, writer, event.number(0) === 1 ? 'wrong' : 'right'),
  'CaseClosed(bytes32,uint8,uint8,uint8)': (event, { block, writer }) =>
    change(writer, 'committee_case', event.topic(1), {
      status: caseOutcomes[event.number(0)] ?? String(event.number(0)),
      right_votes: event.number(1),
      wrong_votes: event.number(2),
      closed_block: block,
    }),
  'Initialized(uint64)': noChange,
})

/** wei that the committee burned leave it. */
export function committeeBurned(writer: BlockWriter, account: Hex, amount: bigint): void {
  if (account === openLedgerPredeploys.checkerCommittee) hold(writer, -amount)
}

const noMember = {
  ...{ stake: '0', unbonding: '0', slashed: '0', claimed: '0' },
  ...{ unbonds_at: 0, jailed_until: 0, jailed: 0, weight: 0 },
}

function hold(writer: BlockWriter, amount: bigint): void {
  writer.set('committee_book', book, { held: String(amountIn(writer.state('committee_book', book), 'held') + amount) })
}

function vote(event: EventReader, writer: BlockWriter, said: string): void {
  const member = event.topicAddress(2)
  const seat = seatsOf(writer, event.topic(1)).find(([, row]) => row['member'] === member)
  if (seat !== undefined) change(writer, 'committee_seat', seat[0], { vote: said })
}

/** Five at most. */
function seatsOf(writer: BlockWriter, id: Hex) {
  return [0, 1, 2, 3, 4].flatMap((idx) => {
    const key = `${id}-${idx}`
    const row = writer.state('committee_seat', key)
    return row === undefined ? [] : [[key, row] as const]
  })
}
