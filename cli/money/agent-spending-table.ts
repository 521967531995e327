import type { Hex } from '../../protocol/bytes.ts'
import { zeroAddress } from '../../protocol/bytes.ts'
import { asAddresses } from '../worker/lists.ts'
import { type Action, action, optional, type Query } from './action.ts'
import { agentArg, asModels } from './agent-args.ts'
import { addressArg, fileArg, nameArg, openArg, whenArg } from './arg-kinds.ts'
import { readRequestPaper } from './request-paper.ts'
import { atTime } from './when.ts'

const workerArg = addressArg('the worker')
const sessionArg = addressArg('the key')

/** AgentSpending: an agent's purse, and what its keys may spend of it. */
export const agentSpendingTable: Readonly<Record<string, Action | Query>> = {
  'open-purse': action(
    'AgentSpending',
    'openPurse',
    'Makes an agent’s purse, which holds its money; anyone may, and agent fund does it too.',
    { agent: agentArg },
    ({ agent }) => ({ args: [agent] }),
  ),
  fund: action(
    'AgentSpending',
    'fund',
    'Puts OPEN into an agent’s purse; it is the agent’s from now on.',
    { agent: agentArg, amount: openArg('how much') },
    ({ agent, amount }) => ({ args: [agent], value: amount }),
  ),
  withdraw: action(
    'AgentSpending',
    'withdraw',
    'Takes OPEN out of the purse of your agent.',
    { agent: agentArg, to: addressArg('who is paid'), amount: openArg('how much') },
    ({ agent, to, amount }) => ({ args: [agent, to, amount] }),
  ),
  'grant-key': action(
    'AgentSpending',
    'grantSession',
    'Lets a key spend for an agent within limits that are never changed; another limit is another key.',
    {
      agent: agentArg,
      key: addressArg('the key’s account, which never had an agent'),
      'per-request': openArg('most of one request or payment'),
      'per-day': openArg('most of a UTC day'),
      until: { ...whenArg('end of the key, 366 days ahead at most'), default: '30d' },
      models: { help: 'models that it may ask; none: any', value: 'ID,…', parse: asModels, many: true, default: '' },
      payees: {
        help: 'accounts that it may pay; none: registered workers and nobody else',
        value: 'ADDRESS,…',
        parse: asAddresses,
        many: true,
        default: '',
      },
    },
    async ({ agent, key, until, models, payees, ...limits }, chain) => {
      const policy = {
        perRequest: limits['per-request'],
        perDay: limits['per-day'],
        until: await atTime(until, chain),
      }
      return { args: [agent, key, policy, models, payees] }
    },
  ),
  'revoke-key': action(
    'AgentSpending',
    'revokeSession',
    'Ends a key; its agent’s owner may, and the key itself.',
    { key: sessionArg },
    ({ key }) => ({ args: [key] }),
  ),
  bind: action(
    'InferenceMarket',
    'bindHome',
    'Binds your channels for good: what they give back goes to the agent’s purse, or another home. A key does this once, before its channels are funded.',
    { agent: optional(agentArg), home: optional(addressArg('another home than an agent’s purse')) },
    async ({ agent, home = zeroAddress }, chain) => ({
      args: [agent === undefined ? home : ((await chain.read('AgentSpending', 'purseOf', [agent])) as Hex)],
    }),
  ),
  request: action(
    'AgentSpending',
    'openRequest',
    'Opens a request on the market as a key, paid from the purse; infer request --payer PURSE makes it.',
    { request: fileArg('request made by infer request') },
    ({ request }) => ({ args: [readRequestPaper(request).request] }),
  ),
  'fund-channel': action(
    'AgentSpending',
    'fundChannel',
    'Adds to your channel with a worker as a key, from the purse.',
    { worker: workerArg, amount: openArg('how much') },
    ({ worker, amount }) => ({ args: [worker, amount] }),
  ),
  pay: action(
    'AgentSpending',
    'pay',
    'Pays one of your payees as a key, from the purse: a tool’s provider, say.',
    { to: addressArg('who is paid'), amount: openArg('how much'), ref: nameArg('what is paid for') },
    ({ to, amount, ref }) => ({ args: [to, amount, ref] }),
  ),
  recall: action(
    'AgentSpending',
    'recallChannel',
    'Asks for the deposit of a key’s channel; agent fetch brings it to the purse after the market’s delay.',
    { key: sessionArg, worker: workerArg, amount: openArg('how much') },
    ({ key, worker, amount }) => ({ args: [key, worker, amount] }),
  ),
  fetch: action(
    'InferenceMarket',
    'withdrawHome',
    'Brings home what a bound channel gives back; anyone may.',
    { key: sessionArg, worker: workerArg },
    ({ key, worker }) => ({ args: [key, worker] }),
  ),
  'recall-home': action(
    'InferenceMarket',
    'recall',
    'Asks for the deposit of a payer whose channels are bound to you.',
    { payer: addressArg('the payer'), worker: workerArg, amount: openArg('how much') },
    ({ payer, worker, amount }) => ({ args: [payer, worker, amount] }),
  ),
  collect: action(
    'AgentSpending',
    'collectRefund',
    'Brings to the purse what requests gave back; anyone may.',
    { agent: agentArg },
    ({ agent }) => ({ args: [agent] }),
  ),
}
