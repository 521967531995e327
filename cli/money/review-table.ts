import { type Action, action, optional, type Query, query } from './action.ts'
import { addressArg, idArg, openArg } from './arg-kinds.ts'
import { asScore } from './parsers.ts'
import { saltOf } from './review-salt.ts'
import { Amount, Time } from './values.ts'

const roundArg = idArg('the round')
const scoreArg = { help: 'score, 0 to 10000; of a dispute: how far the challenge is right', value: 'N', parse: asScore }
const validatorArg = { validator: optional(addressArg('the validator; absent: you')) }
const roundStates = ['none', 'open', 'decided', 'void'] as const

type Round = {
  readonly contribution: bigint
  readonly openedAt: bigint
  readonly state: number
  readonly score: number
  readonly total: number
  readonly committed: number
  readonly revealed: number
  readonly fee: bigint
}

type Member = {
  readonly stake: bigint
  readonly unbonding: bigint
  readonly unbondsAt: bigint
  readonly jailed: boolean
  readonly seat: number
}

/** Rows of `openledger datanet` for validators: their stake, and the rounds in which they score. DatanetReview. */
export const reviewTable: Readonly<Record<string, Action | Query>> = {
  'validator-stake': action(
    'DatanetReview',
    'addStake',
    'Adds stake as a validator of contributions, at least 100 OPEN in all. It scores in rounds that open after it.',
    { amount: openArg('how much') },
    ({ amount }) => ({ args: [], value: amount }),
  ),
  'validator-unbond': action(
    'DatanetReview',
    'requestUnbond',
    'Asks for stake back. It weighs nothing from now on and can be slashed until it is withdrawn, 42 days later.',
    { amount: openArg('how much') },
    ({ amount }) => ({ args: [amount] }),
  ),
  'validator-withdraw': action(
    'DatanetReview',
    'withdrawStake',
    'Pays the stake that was asked for long enough ago.',
    { to: addressArg('who is paid') },
    ({ to }) => ({ args: [to] }),
  ),
  'validator-unjail': action('DatanetReview', 'unjail', 'Ends the time in jail, once it is over.', {}, () => ({
    args: [],
  })),
  'validator-claim': action(
    'DatanetReview',
    'claimOwed',
    'Pays what is owed to you: for reviews, bonds that came back, halves of what others lost.',
    { to: addressArg('who is paid') },
    ({ to }) => ({ args: [to] }),
  ),
  validator: query(
    'Shows a validator: stake, weight, what is owed to it.',
    validatorArg,
    async ({ validator }, chain) => {
      const who = validator ?? chain.sender()
      const member = (await chain.read('DatanetReview', 'memberOf', [who])) as Member
      const past = (await chain.now()) - 1n
      return {
        validator: who,
        stake: new Amount(member.stake),
        weight: await chain.read('DatanetReview', 'weightAt', [who, past]),
        ofAll: await chain.read('DatanetReview', 'totalWeightAt', [past]),
        unbonding: new Amount(member.unbonding),
        unbondsAt: new Time(member.unbondsAt),
        owed: new Amount((await chain.read('DatanetReview', 'owedTo', [who])) as bigint),
      }
    },
  ),
  review: action(
    'DatanetReview',
    'openReview',
    "Opens the validators' round over a contribution that waits in a Datanet that admits by validators.",
    { contribution: idArg('the contribution'), fee: { ...openArg("the validators' pay"), default: '0.1' } },
    ({ contribution, fee }) => ({ args: [contribution], value: fee }),
  ),
  score: action(
    'DatanetReview',
    'commitScore',
    'Commits to a score that nobody sees yet. Reveal the same one later, with the same key.',
    { round: roundArg, score: scoreArg },
    async ({ round, score }, chain) => ({
      args: [
        round,
        await chain.read('DatanetReview', 'commitmentOf', [round, chain.sender(), score, saltOf(chain, round)]),
      ],
    }),
  ),
  reveal: action(
    'DatanetReview',
    'revealScore',
    'Reveals the score that you committed to; who does not loses a hundredth of the stake.',
    { round: roundArg, score: scoreArg },
    ({ round, score }, chain) => ({ args: [round, score, saltOf(chain, round)] }),
  ),
  'close-round': action(
    'DatanetReview',
    'closeRound',
    'Ends a round whose days are over, or in which all who committed have revealed; decides by the median.',
    { round: roundArg },
    ({ round }) => ({ args: [round] }),
  ),
  'pay-review': action(
    'DatanetReview',
    'payReview',
    'Books the pay of a validator that scored near the median.',
    { round: roundArg, ...validatorArg },
    ({ round, validator }, chain) => ({ args: [round, validator ?? chain.sender()] }),
  ),
  'slash-absent': action(
    'DatanetReview',
    'slashAbsent',
    'Slashes a validator that did not reveal in a round that is over, or did not come; half of it is owed to you.',
    { round: roundArg, validator: addressArg('the validator') },
    ({ round, validator }) => ({ args: [round, validator] }),
  ),
  round: query('Shows a round.', { round: roundArg }, async ({ round }, chain) => {
    const found = (await chain.read('DatanetReview', 'rounds', [round])) as Round
    const time = async (name: string) => new Time((await chain.read('DatanetReview', name, [round])) as bigint)
    return {
      contribution: found.contribution,
      state: roundStates[found.state],
      score: found.score,
      weight: found.total,
      committed: found.committed,
      revealed: found.revealed,
      fee: new Amount(found.fee),
      openedAt: new Time(found.openedAt),
      commitUntil: await time('commitUntil'),
      revealUntil: await time('revealUntil'),
    }
  }),
  'share-label': action(
    'DatanetReview',
    'shareLabel',
    "Gives an accepted label or curation its part of its contribution's income.",
    { label: idArg('the label') },
    ({ label }) => ({ args: [label] }),
  ),
}
