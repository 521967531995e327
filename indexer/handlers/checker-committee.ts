import type { Hex } from '../../protocol/bytes.ts'
import { caseOutcomes } from '../../protocol/committee-vote.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import { change, contractHandlers, type EventReader, noChange } from './event.ts'
import { stakedMembers } from './staked-members.ts'

/** wei that a case brings: CheckerCommittee's `openPrice`. */
export const casePrice = (10n ** 18n * 125n) / 100n
const kinds = ['fingerprint', 'sketch']

/** Index of the CheckerCommittee's events: its members, cases and votes. */
export const checkerCommittee = contractHandlers({
  ...stakedMembers('committee', (event, writer, member, amount) => {
    const seat = seatsOf(writer, event.word(3)).find(([, each]) => each['member'] === member)
    if (seat !== undefined) change(writer, 'committee_seat', seat[0], { lost: String(amount) })
  }),
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
    writer.owe('committee', casePrice)
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
