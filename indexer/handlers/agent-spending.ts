import type { Row } from '../store/store.ts'
import { addToAgent } from './agent-registry.ts'
import { amountIn, change, contractHandlers, type EventContext, noChange } from './event.ts'

const daySeconds = 86_400

/** Index of AgentSpending's events: purses, keys with their limits, and what each key promised. */
export const agentSpending = contractHandlers({
  'PurseOpened(uint256,address)': (event, { writer }) =>
    change(writer, 'agent', event.topicNumber(1), { purse: event.address(0) }),
  'PurseFunded(uint256,address,uint256)': (event, { writer }) =>
    addToAgent(writer, event.topicNumber(1), 'funded', event.uint(0)),
  'PurseWithdrawn(uint256,address,uint256)': (event, { writer }) =>
    addToAgent(writer, event.topicNumber(1), 'withdrawn', event.uint(0)),
  'SessionGranted(uint256,address,(uint128,uint128,uint64),uint64[],address[])': (event, { block, tx, writer }) =>
    writer.set('agent_session', event.topicAddress(2), {
      agent: event.topicNumber(1),
      per_request: event.decimal(0),
      per_day: event.decimal(1),
      until: event.number(2),
      models: JSON.stringify(event.words(3).map((model) => String(BigInt(model)))),
      payees: JSON.stringify(event.words(4).map((payee) => `0x${payee.slice(26)}`)),
      revoked: 0,
      spent: '0',
      spent_today: '0',
      day: null,
      block,
      tx_hash: tx.hash,
    }),
  'SessionRevoked(uint256,address)': (event, { writer }) =>
    change(writer, 'agent_session', event.topicAddress(2), { revoked: 1 }),
  'AgentRequestOpened(uint256,address,bytes32,uint64,uint128)': (event, context) =>
    promise(context, event.index, event.topicNumber(1), event.topicAddress(2), event.uint(1), {
      kind: 'request',
      ref: event.topic(3),
      model: event.number(0),
    }),
  'AgentChannelFunded(uint256,address,address,uint128)': (event, context) =>
    promise(context, event.index, event.topicNumber(1), event.topicAddress(2), event.uint(0), {
      kind: 'channel',
      payee: event.topicAddress(3),
    }),
  'AgentPaid(uint256,address,address,bytes32,uint128)': (event, context) =>
    promise(context, event.index, event.topicNumber(1), event.topicAddress(2), event.uint(1), {
      kind: 'payment',
      payee: event.topicAddress(3),
      ref: event.word(0),
    }),
  // The market's own events say so too.
  'RefundCollected(uint256,uint256)': noChange,
  'AgentChannelRecalled(uint256,address,address,uint128)': noChange,
})

/** Counts what a key promised, as the contract does. */
function promise(
  { block, timestamp, tx, writer }: EventContext,
  idx: number,
  agent: number,
  session: string,
  wei: bigint,
  what: Row,
): void {
  const amount = String(wei)
  const unsaid = { payee: null, ref: null, model: null }
  writer.insert('agent_payment', { block, idx, agent, session, ...unsaid, ...what, amount, tx_hash: tx.hash })
  addToAgent(writer, agent, 'promised', wei)
  const before = writer.state('agent_session', session)
  const day = Math.floor(timestamp / daySeconds)
  const today = before?.['day'] === day ? amountIn(before, 'spent_today') : 0n
  change(writer, 'agent_session', session, {
    day,
    spent_today: String(today + wei),
    spent: String(amountIn(before, 'spent') + wei),
  })
}
