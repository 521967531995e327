import { oneOf } from '../../common/flag-parsers.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import { type Action, action, type Query, query } from './action.ts'
import { addressArg, fileArg, hashArg, idArg, openArg } from './arg-kinds.ts'
import { contentArgs } from './content-places.ts'
import { hiddenShingle, signatureItem, wholeContent } from './signature-item.ts'
import { Amount, Time } from './values.ts'

const disputeArg = idArg('the dispute')
const contributionArg = idArg('the contribution')
const falseArgs = {
  contribution: contributionArg,
  text: fileArg('its content'),
  signature: fileArg('the signature, 512 bytes'),
  ...contentArgs,
}
/** As ItemDisputes numbers them. */
const grounds = ['duplicate', 'plagiarism', 'poison', 'licence', 'consent', 'media-type'] as const
const states = ['none', 'voting', 'decided', 'appealed', 'ruled', 'settled'] as const
const verdicts = ['none', 'dismissed', 'upheld'] as const

type Dispute = {
  readonly contribution: bigint
  readonly original: bigint
  readonly round: bigint
  readonly ground: number
  readonly state: number
  readonly verdict: number
  readonly since: bigint
  readonly challenger: string
  readonly bond: bigint
  readonly appealBond: bigint
}

/** Rows of `openledger datanet` about what is wrong with contributions: DatanetReview's disputes, SignatureProofs. */
export const disputeTable: Readonly<Record<string, Action | Query>> = {
  challenge: action(
    'DatanetReview',
    'challenge',
    'Challenges a contribution before the validators, with a bond and their pay. What it earns is held back until they have decided.',
    {
      contribution: contributionArg,
      ground: { help: 'what is wrong with it', value: grounds.join('|'), parse: oneOf(...grounds) },
      original: { ...idArg('the contribution that it copies; 0: none'), default: '0' },
      evidence: { ...hashArg('hash of what you show the validators'), default: zeroHash },
      fee: { ...openArg("the validators' pay"), default: '0.1' },
    },
    async ({ contribution, ground, original, evidence, fee }, chain) => {
      const bond = (await chain.read('DatanetReview', 'challengeBond', [contribution])) as bigint
      return { args: [contribution, grounds.indexOf(ground), original, evidence], value: bond + fee }
    },
  ),
  appeal: action(
    'DatanetReview',
    'appeal',
    'Takes a verdict against you to the Governor, with a bond; within three days.',
    { dispute: disputeArg },
    async ({ dispute }, chain) => ({
      args: [dispute],
      value: (await chain.read('DatanetReview', 'appealBondOf', [dispute])) as bigint,
    }),
  ),
  settle: action(
    'DatanetReview',
    'settle',
    'Carries out a verdict that nobody can appeal any more: bonds, and what was held back.',
    { dispute: disputeArg },
    ({ dispute }) => ({ args: [dispute] }),
  ),
  dispute: query('Shows a dispute.', { dispute: disputeArg }, async ({ dispute }, chain) => {
    const found = (await chain.read('DatanetReview', 'disputes', [dispute])) as Dispute
    return {
      contribution: found.contribution,
      ground: grounds[found.ground],
      original: found.original,
      challenger: found.challenger,
      round: found.round,
      state: states[found.state],
      verdict: verdicts[found.verdict],
      since: new Time(found.since),
      bond: new Amount(found.bond),
      appealBond: new Amount(found.appealBond),
    }
  }),
  'prove-near-duplicate': action(
    'SignatureProofs',
    'proveNearDuplicate',
    'Shows that a contribution is too similar to an earlier one of its Datanet: its bond is slashed, half of it is your reward.',
    {
      contribution: contributionArg,
      text: fileArg('its content'),
      original: idArg('the earlier one'),
      'original-text': fileArg('the content of that'),
      ...contentArgs,
    },
    async ({ contribution, text, original, 'original-text': originalText, ...places }, chain) => ({
      args: [
        await signatureItem(chain, { id: contribution, path: text, places }),
        await signatureItem(chain, { id: original, path: originalText, places }),
      ],
    }),
  ),
  'prove-false-signature': action(
    'SignatureProofs',
    'proveHiddenShingle',
    'Shows that the signature of a contribution hides a run of three words of its content.',
    falseArgs,
    async ({ contribution, text, signature, ...places }, chain) => {
      return { args: await hiddenShingle(chain, { id: contribution, path: text, places }, signature) }
    },
  ),
  'prove-false-signature-whole': action(
    'SignatureProofs',
    'proveFalseSignature',
    'Shows that the signature of a contribution is not that of its content, of at most 4 KiB of ASCII.',
    falseArgs,
    async ({ contribution, text, signature, ...places }, chain) => {
      return { args: await wholeContent(chain, { id: contribution, path: text, places }, signature) }
    },
  ),
  'demand-signature': action(
    'SignatureProofs',
    'demandSignature',
    'Demands to see the signature that a contribution committed to; who shows it within seven days gets the price.',
    { contribution: contributionArg },
    async ({ contribution }, chain) => ({
      args: [contribution],
      value: (await chain.read('SignatureProofs', 'DEMAND_PRICE')) as bigint,
    }),
  ),
  'show-signature': action(
    'SignatureProofs',
    'showSignature',
    'Shows the signature of a contribution, from its content, and earns the price of the demand.',
    { contribution: contributionArg, text: fileArg('its content'), ...contentArgs },
    async ({ contribution, text, ...places }, chain) => ({
      args: [await signatureItem(chain, { id: contribution, path: text, places })],
    }),
  ),
  'prove-withheld': action(
    'SignatureProofs',
    'proveWithheld',
    'Refuses a contribution whose signature was demanded and shown by nobody.',
    { contribution: contributionArg },
    ({ contribution }) => ({ args: [contribution] }),
  ),
  'proofs-claim': action(
    'SignatureProofs',
    'claimOwed',
    'Pays the prices of demands that are owed to you.',
    { to: addressArg('who is paid') },
    ({ to }) => ({ args: [to] }),
  ),
}
