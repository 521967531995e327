import type { Hex } from '../../protocol/bytes.ts'
import { caseKinds, caseOutcomes } from '../../protocol/committee-vote.ts'
import { type Action, action, optional, type Query, query } from './action.ts'
import { addressArg, openArg } from './arg-kinds.ts'
import { asHash } from './parsers.ts'
import { Amount, Time } from './values.ts'

const caseArg = { case: { help: 'the case', value: 'ID', parse: asHash } }

type Member = {
  readonly stake: bigint
  readonly unbonding: bigint
  readonly unbondsAt: bigint
  readonly jailed: boolean
  readonly jailedUntil: bigint
}
type Case = {
  readonly challenger: Hex
  readonly kind: number
  readonly outcome: number
  readonly right: number
  readonly wrong: number
  readonly startsAt: bigint
  readonly origin: bigint
  readonly worker: Hex
}

const votes = ['none', 'sent', 'right', 'wrong'] as const

/** `openledger committee`: CheckerCommittee. Drawing and voting is the role checker's work, which does it by itself. */
export const committeeTable: Readonly<Record<string, Action | Query>> = {
  stake: action(
    'CheckerCommittee',
    'addStake',
    'Stakes as a checker, or adds to the stake: at least 100 OPEN in all. A node with the role checker and this key then votes when it is drawn; who is drawn and does not vote loses 2 %.',
    { amount: openArg('how much') },
    ({ amount }) => ({ args: [], value: amount }),
  ),
  unstake: action(
    'CheckerCommittee',
    'requestUnbond',
    'Asks for stake back. It is drawn by no more from now on, can be slashed until it is withdrawn, and all that was asked for waits anew.',
    { amount: openArg('how much') },
    ({ amount }) => ({ args: [amount] }),
  ),
  withdraw: action(
    'CheckerCommittee',
    'withdrawStake',
    'Pays the stake that was asked for long enough ago.',
    { to: addressArg('who is paid') },
    ({ to }) => ({ args: [to] }),
  ),
  unjail: action('CheckerCommittee', 'unjail', 'Ends the time in jail, once it is over.', {}, () => ({ args: [] })),
  claim: action(
    'CheckerCommittee',
    'claimOwed',
    'Pays what votes and challenges earned, and bonds that came back.',
    { to: addressArg('who is paid') },
    ({ to }) => ({ args: [to] }),
  ),
  draw: action(
    'CheckerCommittee',
    'draw',
    'Draws the five seats of a case, in a block of the L1 origin that draws them.',
    caseArg,
    ({ case: id }) => ({ args: [id] }),
  ),
  close: action(
    'CheckerCommittee',
    'close',
    'Counts the votes of a case, once all are shown or the time for it is over.',
    caseArg,
    ({ case: id }) => ({ args: [id] }),
  ),
  status: query(
    'Shows a checker: its stake, what is being unbonded, jail, and what is owed to it.',
    { checker: optional(addressArg('the checker; absent: you')) },
    async ({ checker }, chain) => {
      const address = checker ?? chain.sender()
      const member = (await chain.read('CheckerCommittee', 'memberOf', [address])) as Member
      const now = await chain.now()
      const [weight, total] = [
        await chain.read('CheckerCommittee', 'weightAt', [address, now - 1n]),
        await chain.read('CheckerCommittee', 'totalWeightAt', [now - 1n]),
      ]
      return {
        checker: address,
        stake: new Amount(member.stake),
        weight: `${weight} of ${total}`,
        unbonding: new Amount(member.unbonding),
        unbondsAt: new Time(member.unbondsAt),
        jailed: member.jailed,
        jailedUntil: new Time(member.jailedUntil),
        owed: new Amount((await chain.read('CheckerCommittee', 'owedTo', [address])) as bigint),
      }
    },
  ),
  show: query(
    'Shows a case: who opened it, its seats and votes, how it ended.',
    caseArg,
    async ({ case: id }, chain) => {
      const found = (await chain.read('CheckerCommittee', 'caseOf', [id])) as Case
      const seats = (await chain.read('CheckerCommittee', 'seatsOf', [id])) as { member: Hex; vote: number }[]
      const window = (await chain.read('CheckerCommittee', 'window')) as bigint
      return {
        case: id,
        kind: Object.keys(caseKinds)[found.kind],
        outcome: caseOutcomes[found.outcome],
        worker: found.worker,
        challenger: found.challenger,
        drawnBy: `L1 block ${found.origin}`,
        votesUntil: new Time(found.startsAt + (window * 2n) / 3n),
        shownUntil: new Time(found.startsAt + (window * 5n) / 6n),
        right: found.right,
        wrong: found.wrong,
        seats: seats.map(({ member, vote }) => `${member} ${votes[vote]}`).join(', '),
      }
    },
  ),
}
