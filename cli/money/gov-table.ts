import { asAddress, asHttpUrl } from '../../common/flag-parsers.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type Action, action, optional, type Query, query } from './action.ts'
import { addressArg, fileArg, openArg } from './arg-kinds.ts'
import { keysThatPropose, parametersOf, proposalOf } from './governance.ts'
import { asUint32, asUint256 } from './parsers.ts'
import { Amount } from './values.ts'

const proposalArg = { help: 'the proposal', value: 'ID', parse: asUint256 }

/** Numbers of GovernorCountingSimple. */
const supports = { against: 0, for: 1, abstain: 2 } as const

const asSupport = (text: string): 0 | 1 | 2 => {
  if (!Object.hasOwn(supports, text)) throw new Error(`must be ${Object.keys(supports).join(', ')}`)
  return supports[text as keyof typeof supports]
}

const anyText = (text: string): string => text

/** Proposals that the status shows, the newest first. */
const shownMax = 10n

/** `openledger gov`: GOPEN, the Governor, the timelocks, and where gas fees go. */
export const govTable: Readonly<Record<string, Action | Query>> = {
  wrap: action(
    'GOPEN',
    'deposit',
    'Makes GOPEN of OPEN, one for one. It votes once it is delegated.',
    { amount: openArg('how much') },
    ({ amount }) => ({
      args: [],
      value: amount,
    }),
  ),
  unwrap: action('GOPEN', 'withdraw', 'Makes OPEN of GOPEN again.', { amount: openArg('how much') }, ({ amount }) => ({
    args: [amount],
  })),
  delegate: action(
    'GOPEN',
    'delegate',
    'Says who votes with your GOPEN, what you wrap later included. Votes count from the next block on.',
    { to: optional({ help: 'the delegate; absent: you yourself', value: 'ADDRESS', parse: asAddress }) },
    ({ to }, chain) => ({ args: [to ?? chain.sender()] }),
  ),
  propose: action(
    'OpenLedgerGovernor',
    'propose',
    'Proposes calls of the Timelock. You need as many votes as the threshold. docs/GOVERNANCE.md has the file of calls.',
    {
      calls: fileArg('JSON list of {contract, function, args} or {to, data}, each with value and slow where needed'),
      description: {
        help: 'what it is for; two proposals of the same calls need two descriptions',
        value: 'TEXT',
        parse: anyText,
      },
    },
    async ({ calls: path, description }, chain) => {
      const { readCalls } = await import('./governed-calls.ts')
      const calls = await readCalls(path, chain)
      return {
        args: [calls.map(({ to }) => to), calls.map(({ value }) => value), calls.map(({ data }) => data), description],
      }
    },
  ),
  vote: action(
    'OpenLedgerGovernor',
    'castVoteWithReason',
    'Votes with all you had when the vote began.',
    {
      proposal: proposalArg,
      support: { help: 'for, against or abstain', value: 'for|against|abstain', parse: asSupport },
      reason: { help: 'why', value: 'TEXT', parse: anyText, default: '' },
    },
    ({ proposal, support, reason }) => ({ args: [proposal, support, reason] }),
  ),
  queue: action(
    'OpenLedgerGovernor',
    'queue',
    'Hands a proposal that succeeded to the Timelock. Anyone may.',
    { proposal: proposalArg },
    ({ proposal }) => ({ args: [proposal] }),
  ),
  execute: action(
    'OpenLedgerGovernor',
    'execute',
    'Has the Timelock do what is due. Anyone may.',
    { proposal: proposalArg },
    ({ proposal }) => ({ args: [proposal] }),
  ),
  'execute-slow': action(
    'MoneyTimelock',
    'execute',
    'Has the MoneyTimelock do what an executed proposal scheduled there and is due. Anyone may.',
    {
      proposal: proposalArg,
      call: { help: 'which of its calls for the MoneyTimelock', value: 'N', parse: asUint32, default: '1' },
    },
    async ({ proposal, call }, chain) => ({
      args: await (await import('./governed-calls.ts')).slowCall(proposal, call, chain),
    }),
  ),
  cancel: action(
    'OpenLedgerGovernor',
    'cancel',
    'Takes a proposal of yours back before its vote begins.',
    { proposal: proposalArg },
    ({ proposal }) => ({ args: [proposal] }),
  ),
  'disburse-fees': action(
    'FeeSplitter',
    'disburseFees',
    'Empties the fee vaults into the pools of the stakers and of the treasury. Anyone may.',
    {},
    () => ({ args: [] }),
  ),
  state: query('Shows a proposal: its state, votes and times.', { proposal: proposalArg }, ({ proposal }, chain) =>
    proposalOf(proposal, chain),
  ),
  votes: query(
    'Shows the GOPEN, the delegate and the votes of an account.',
    { account: optional(addressArg('the account; absent: you')) },
    async ({ account }, chain) => {
      const of: Hex = account ?? chain.sender()
      const read = (name: string) => chain.read('GOPEN', name, [of])
      return {
        account: of,
        balance: new Amount((await read('balanceOf')) as bigint),
        delegate: await read('delegates'),
        votes: new Amount((await read('getVotes')) as bigint),
      }
    },
  ),
  parameters: query(
    'Shows the parameters of Governor and Timelock beside the documented ones, and what differs.',
    {},
    (_, chain) => parametersOf(chain),
  ),
  status: query(
    'Shows how the chain is governed: parameters that drifted, keys that need no vote, all GOPEN, and the newest proposals.',
    {},
    async (_, chain) => {
      const { drift } = await parametersOf(chain)
      const count = (await chain.read('OpenLedgerGovernor', 'proposalCount')) as bigint
      const proposals = []
      for (let i = count - 1n; i >= 0n && i >= count - shownMax; i--) {
        const [id] = (await chain.read('OpenLedgerGovernor', 'proposalDetailsAt', [i])) as readonly [bigint]
        proposals.push(await proposalOf(id, chain))
      }
      return {
        drift,
        proposesBesideGovernor: await keysThatPropose(chain),
        gopen: new Amount((await chain.read('GOPEN', 'totalSupply')) as bigint),
        proposals: count,
        newest: proposals,
      }
    },
  ),
  supply: query(
    'Compares OPEN on the L2 with what the bridge holds for it on the L1. Fails where the L2 has more.',
    { 'l1-rpc': { help: 'eth_ JSON-RPC of a node of the L1', value: 'URL', parse: asHttpUrl } },
    async ({ 'l1-rpc': l1Url }, chain) => await (await import('./supply.ts')).supplyOf(l1Url, chain),
  ),
}
