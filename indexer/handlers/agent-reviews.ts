import { change, contractHandlers } from './event.ts'

/** Index of AgentReviews' events: feedback of clients and findings of validators, in the shape of ERC-8004. */
export const agentReviews = contractHandlers({
  'ClientAuthorised(uint256,address,uint64,uint64)': (event, { writer }) => {
    const [agent, client] = [event.topicNumber(1), event.topicAddress(2)]
    const limits = { index_limit: event.number(0), expiry: event.number(1) }
    writer.set('agent_client', `${agent}-${client}`, { agent, client, ...limits })
  },
  'NewFeedback(uint256,address,uint64,int128,uint8,string,string,string,string,string,bytes32)': (
    event,
    { block, timestamp, tx, writer },
  ) => {
    const [agent, client, idx] = [event.topicNumber(1), event.topicAddress(2), event.number(0)]
    const allowed = writer.state('agent_client', `${agent}-${client}`)
    const isAuthorised = idx <= Number(allowed?.['index_limit'] ?? 0) && timestamp < Number(allowed?.['expiry'] ?? 0)
    writer.set('agent_feedback', `${agent}-${client}-${idx}`, {
      agent,
      client,
      idx,
      value: String(event.int(1)),
      decimals: event.number(2),
      tag1: event.text(3),
      tag2: event.text(4),
      endpoint: event.text(5),
      uri: event.text(6),
      hash: event.word(7),
      revoked: 0,
      authorised: Number(isAuthorised),
      responses: 0,
      block,
      tx_hash: tx.hash,
    })
    const before = Number(writer.state('agent', agent)?.['feedbacks'] ?? 0)
    change(writer, 'agent', agent, { feedbacks: before + 1 })
  },
  'FeedbackRevoked(uint256,address,uint64)': (event, { writer }) =>
    change(writer, 'agent_feedback', `${event.topicNumber(1)}-${event.topicAddress(2)}-${event.topicNumber(3)}`, {
      revoked: 1,
    }),
  'ResponseAppended(uint256,address,uint64,address,string,bytes32)': (event, { block, tx, writer }) => {
    const [agent, client, feedback] = [event.topicNumber(1), event.topicAddress(2), event.number(0)]
    const said = { responder: event.topicAddress(3), uri: event.text(1), hash: event.word(2), tx_hash: tx.hash }
    writer.insert('feedback_response', { block, idx: event.index, agent, client, feedback, ...said })
    const key = `${agent}-${client}-${feedback}`
    const responses = Number(writer.state('agent_feedback', key)?.['responses'] ?? 0) + 1
    change(writer, 'agent_feedback', key, { responses })
  },
  'ValidationRequest(address,uint256,string,bytes32)': (event, { block, tx, writer }) =>
    writer.set('agent_validation', event.topic(3), {
      agent: event.topicNumber(2),
      validator: event.topicAddress(1),
      uri: event.text(0),
      response: null,
      response_uri: null,
      response_hash: null,
      tag: null,
      answered_block: null,
      block,
      tx_hash: tx.hash,
    }),
  'ValidationResponse(address,uint256,bytes32,uint8,string,bytes32,string)': (event, { block, writer }) =>
    change(writer, 'agent_validation', event.topic(3), {
      response: event.number(0),
      response_uri: event.text(1),
      response_hash: event.word(2),
      tag: event.text(3),
      answered_block: block,
    }),
})
