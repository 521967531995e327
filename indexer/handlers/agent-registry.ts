import { zeroAddress } from '../../protocol/bytes.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import type { Row } from '../store/store.ts'
import { amountIn, change, contractHandlers, noChange } from './event.ts'

/** Faults of agents by number; `AgentFault` of AgentFaults.sol. */
const agentFaults = ['overRequest', 'overDay', 'forbiddenModel', 'twoTrails', 'forgedLeg'] as const

/** Index of the AgentRegistry's events, by the agent's id. */
export const agentRegistry = contractHandlers({
  'Transfer(address,address,uint256)': (event, { block, tx, writer }) => {
    const agent = event.topicNumber(3)
    const owner = event.topicAddress(2)
    if (event.topicAddress(1) !== zeroAddress) return change(writer, 'agent', agent, { owner })
    writer.set('agent', agent, { ...newAgent, owner, block, tx_hash: tx.hash })
  },
  'Registered(uint256,string,address)': (event, { writer }) =>
    change(writer, 'agent', event.topicNumber(1), { uri: event.text(0) }),
  'URIUpdated(uint256,string,address)': (event, { writer }) =>
    change(writer, 'agent', event.topicNumber(1), { uri: event.text(0) }),
  'MetadataSet(uint256,string,string,bytes)': (event, { writer }) => {
    const [agent, name, value] = [event.topicNumber(1), event.text(0), event.bytes(1)]
    if (name === 'agentWallet') return change(writer, 'agent', agent, { wallet: value === '0x' ? null : value })
    writer.set('agent_metadata', `${agent}-${name}`, { agent, name, value })
  },
  'StakeAdded(uint256,address,uint256,uint256)': (event, { writer }) =>
    change(writer, 'agent', event.topicNumber(1), { stake: event.decimal(1) }),
  'UnbondRequested(uint256,uint256,uint64)': (event, { writer }) => {
    const [agent, amount] = [event.topicNumber(1), event.uint(0)]
    const { stake, unbonding } = stakeOf(writer, agent)
    change(writer, 'agent', agent, {
      stake: String(stake - amount),
      unbonding: String(unbonding + amount),
      unbonds_at: event.number(1),
    })
  },
  'UnbondCancelled(uint256,uint256)': (event, { writer }) => {
    const agent = event.topicNumber(1)
    const stake = stakeOf(writer, agent).stake + event.uint(0)
    change(writer, 'agent', agent, { stake: String(stake), unbonding: '0', unbonds_at: null })
  },
  'StakeWithdrawn(uint256,address,uint256)': (event, { writer }) =>
    change(writer, 'agent', event.topicNumber(1), { unbonding: '0', unbonds_at: null }),
  'AgentSlashed(uint256,uint8,uint256,uint256)': (event, { block, tx, writer }) => {
    const [agent, amount] = [event.topicNumber(1), event.uint(1)]
    const { stake, unbonding, slashed } = stakeOf(writer, agent)
    const ofStake = amount < stake ? amount : stake
    change(writer, 'agent', agent, {
      stake: String(stake - ofStake),
      unbonding: String(unbonding - (amount - ofStake)),
      slashed: String(slashed + amount),
    })
    const fault = agentFaults[event.number(0)] ?? String(event.number(0))
    const amounts = { fault, amount: String(amount), burned: event.decimal(2) }
    writer.insert('agent_slash', { block, idx: event.index, agent, ...amounts, tx_hash: tx.hash })
  },
  // Who may act for an owner is asked of the chain.
  'Approval(address,address,uint256)': noChange,
  'ApprovalForAll(address,address,bool)': noChange,
  'Initialized(uint64)': noChange,
})

/** Adds to a column of an agent's wei. */
export function addToAgent(writer: BlockWriter, agent: number, column: string, wei: bigint): void {
  change(writer, 'agent', agent, { [column]: String(amountIn(writer.state('agent', agent), column) + wei) })
}

const newAgent: Row = {
  uri: '',
  wallet: null,
  purse: null,
  stake: '0',
  unbonding: '0',
  unbonds_at: null,
  slashed: '0',
  funded: '0',
  withdrawn: '0',
  promised: '0',
  feedbacks: 0,
}

function stakeOf(writer: BlockWriter, agent: number) {
  const row = writer.state('agent', agent)
  return { stake: amountIn(row, 'stake'), unbonding: amountIn(row, 'unbonding'), slashed: amountIn(row, 'slashed') }
}
