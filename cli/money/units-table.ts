import { asSwitch, oneOf } from '../../common/flag-parsers.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import { type Action, action, optional, paper, type Query, query } from './action.ts'
import { addressArg, idArg, nameArg } from './arg-kinds.ts'
import { asUint32 } from './parsers.ts'
import { RefusedError } from './refused.ts'
import {
  allotmentArg,
  amountArg,
  parameterArg,
  parameterValueArg,
  readAllotment,
  unitsId,
  versionArg,
} from './units-args.ts'
import { Amount } from './values.ts'

const datanetArg = idArg('the Datanet')
const proposalArg = idArg('the proposal')
const supports = ['against', 'for', 'abstain'] as const
const proposalStates = ['none', 'active', 'defeated', 'succeeded', 'executed', 'expired'] as const
/** Spans of time that `units-settle` looks through: about 10 million gas. */
const settleSteps = 500n

/** `openledger datanet`: DatanetUnits, DatanetVotes. */
export const unitsTable: Readonly<Record<string, Action | Query>> = {
  units: query(
    "Shows somebody's units of a Datanet and what they are owed.",
    { datanet: datanetArg, holder: optional(addressArg('whose; absent: yours')) },
    async ({ datanet, holder }, chain) => {
      const who = holder ?? chain.sender()
      const past = (await chain.now()) - 1n
      const read = (name: string, ...args: readonly unknown[]) => chain.read('DatanetUnits', name, args)
      return {
        holder: who,
        movable: await read('unitsOf', datanet, who),
        withAllotted: await read('unitsAt', datanet, who, past),
        ofAll: await read('unitsTotalAt', datanet, past),
        owed: new Amount((await read('claimable', datanet, who)) as bigint),
      }
    },
  ),
  allotment: paper(
    'Makes of a list of contributors what datanet publish names: the root, how many units, and how many contributors.',
    { allotment: allotmentArg },
    async ({ allotment: path }) => {
      const allotment = readAllotment(path)
      return { root: allotment.root, units: String(allotment.units), contributors: allotment.count }
    },
  ),
  'units-claim': action(
    'DatanetUnits',
    'claimAllotment',
    'Moves the units that a version allots to a contributor into its account. Anyone may; income of them was the contributor’s before.',
    { version: versionArg, allotment: allotmentArg, contributor: optional(addressArg('whose; absent: yours')) },
    ({ version, allotment, contributor: given }, chain) => {
      const contributor = given ?? chain.sender()
      const leaf = readAllotment(allotment).leafOf(contributor)
      if (leaf === undefined) throw new RefusedError(`${contributor} is allotted nothing`)
      return { args: [unitsId(version), contributor, leaf.units, leaf.index, leaf.count, leaf.siblings] }
    },
  ),
  'units-send': action(
    'DatanetUnits',
    'transfer',
    'Gives units of a version away. What they earned until then stays yours.',
    { version: versionArg, to: addressArg('who gets them'), amount: amountArg },
    ({ version, to, amount }) => ({ args: [to, unitsId(version), amount] }),
  ),
  'units-send-from': action(
    'DatanetUnits',
    'transferFrom',
    'Moves units of somebody who allowed it.',
    { version: versionArg, holder: addressArg('whose'), to: addressArg('who gets them'), amount: amountArg },
    ({ version, holder, to, amount }) => ({ args: [holder, to, unitsId(version), amount] }),
  ),
  'units-approve': action(
    'DatanetUnits',
    'approve',
    'Allows somebody to move so many of your units of a version.',
    { version: versionArg, spender: addressArg('who may'), amount: amountArg },
    ({ version, spender, amount }) => ({ args: [spender, unitsId(version), amount] }),
  ),
  'units-operator': action(
    'DatanetUnits',
    'setOperator',
    'Allows somebody to move all your units of all Datanets, or no more.',
    {
      operator: addressArg('who may'),
      allowed: { help: 'whether it may', value: 'true|false', parse: asSwitch, default: 'true' },
    },
    ({ operator, allowed }) => ({ args: [operator, allowed] }),
  ),
  'units-settle': action(
    'DatanetUnits',
    'settle',
    'Books income of a holder whose units changed often: each claim looks through 64 changes, this through 500.',
    {
      datanet: datanetArg,
      holder: optional(addressArg('whose; absent: yours')),
      lot: { help: 'claimed allotment to begin with', value: 'N', parse: asUint32, default: '0' },
    },
    ({ datanet, holder, lot }, chain) => ({ args: [datanet, holder ?? chain.sender(), settleSteps, BigInt(lot)] }),
  ),
  'vote-rule': action(
    'DatanetVotes',
    'setParameter',
    "Sets a rule of your Datanet's votes before its unit holders govern it: period in seconds, quorum or threshold in basis points.",
    { datanet: datanetArg, parameter: parameterArg, value: parameterValueArg },
    ({ datanet, parameter, value }) => ({ args: [datanet, parameter, value] }),
  ),
  propose: action(
    'DatanetVotes',
    'propose',
    "Proposes a parameter's value to a Datanet's unit holders. Who holds units in the block before votes with them.",
    {
      datanet: datanetArg,
      parameter: parameterArg,
      value: parameterValueArg,
      reason: { ...nameArg('why'), default: zeroHash },
    },
    ({ datanet, parameter, value, reason }) => ({ args: [datanet, parameter, value, reason] }),
  ),
  vote: action(
    'DatanetVotes',
    'castVote',
    'Votes with all units that you held when it was proposed, once.',
    { proposal: proposalArg, support: { help: 'your vote', value: supports.join('|'), parse: oneOf(...supports) } },
    ({ proposal, support }) => ({ args: [proposal, supports.indexOf(support)] }),
  ),
  execute: action(
    'DatanetVotes',
    'execute',
    'Carries out what passed. Anyone may, for 14 days.',
    { proposal: proposalArg },
    ({ proposal }) => ({ args: [proposal] }),
  ),
  proposal: query(
    'Shows a proposal and how its vote stands.',
    { proposal: proposalArg },
    async ({ proposal }, chain) => {
      const state = (await chain.read('DatanetVotes', 'state', [proposal])) as number
      const [datanet, key, , snapshot, closesAt, proposer, value, quorum, against, for_, abstain] = (await chain.read(
        'DatanetVotes',
        'proposals',
        [proposal],
      )) as readonly unknown[]
      const closes = new Date(Number(closesAt) * 1_000).toISOString()
      const votes = { for: for_, against, abstain, quorum }
      return { state: proposalStates[state], datanet, key, value, proposer, snapshot, closes, ...votes }
    },
  ),
}
