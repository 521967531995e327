import { amountIn, change, contractHandlers } from './event.ts'

/** Commitments to evidence and rewards, of every contract that has EvidenceRewards. */
export const evidenceRewards = contractHandlers({
  'EvidenceCommitted(bytes32,address)': (event, { block, tx, writer }) =>
    writer.set('evidence', event.topic(1), { sender: event.topicAddress(2), block, tx_hash: tx.hash }),
  'RewardWon(bytes32,address,uint256)': (event, { block, writer }) => {
    const subject = event.topic(1)
    const before = writer.state('reward', subject)
    // A subject comes again only where an equal epoch was proposed and reverted twice in a block.
    const adds = before?.['status'] === 'waiting'
    writer.set('reward', subject, {
      holder: event.topicAddress(2),
      amount: String((adds ? amountIn(before, 'amount') : 0n) + event.uint(0)),
      status: 'waiting',
      won_block: adds ? (before['won_block'] ?? null) : block,
      committed_block: adds ? (before['committed_block'] ?? null) : block,
      paid_to: null,
    })
  },
  'RewardTakenOver(bytes32,address,uint64)': (event, { writer }) =>
    change(writer, 'reward', event.topic(1), { holder: event.topicAddress(2), committed_block: event.number(0) }),
  'RewardPaid(bytes32,address,address,uint256)': (event, { writer }) =>
    change(writer, 'reward', event.topic(1), { status: 'paid', paid_to: event.address(0) }),
})
