import { bytesToHex, hexToBytes, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { type Action, action, optional, paper, type Query } from './action.ts'
import { agentArg, asRating, uriArg } from './agent-args.ts'
import { addressArg, hashArg, openArg, textArg, whenArg } from './arg-kinds.ts'
import { asAnyText, asBytes, asUint32, asUint64 } from './parsers.ts'
import { atTime } from './when.ts'

const clientArg = addressArg('the client')
const indexArg = { help: 'number of the feedback of that client, the first is 1', value: 'N', parse: asUint64 }
const hashOfArg = (help: string) => ({ ...hashArg(`keccak256 of ${help}`), default: zeroHash })
const emptyText = (help: string) => ({ help, value: 'TEXT', parse: asAnyText, default: '' })

/** AgentRegistry and AgentReviews: who an agent is, its stake, what others say of it. */
export const agentIdentityTable: Readonly<Record<string, Action | Query>> = {
  register: action(
    'AgentRegistry',
    'register',
    'Registers an agent, an ERC-721 token of yours in the shape of ERC-8004.',
    {
      uri: uriArg('where its registration file stands, or the file as a data: URI'),
      name: optional(textArg('its name, kept on chain')),
    },
    ({ uri, name }) => {
      const metadataValue = bytesToHex(new TextEncoder().encode(name ?? ''))
      return { args: [uri, name === undefined ? [] : [{ metadataKey: 'agentName', metadataValue }]] }
    },
  ),
  'set-uri': action(
    'AgentRegistry',
    'setAgentURI',
    'Changes where an agent’s registration file stands.',
    { agent: agentArg, uri: uriArg('where it stands') },
    ({ agent, uri }) => ({ args: [agent, uri] }),
  ),
  'set-metadata': action(
    'AgentRegistry',
    'setMetadata',
    'Keeps a value with an agent on chain.',
    { agent: agentArg, name: textArg('its name'), value: { help: 'the value', value: 'HEX', parse: asBytes } },
    ({ agent, name, value }) => ({ args: [agent, name, value] }),
  ),
  'wallet-proof': paper(
    'Signs that you are the wallet of an agent, for its owner; made by the wallet itself. Nothing is sent.',
    { agent: agentArg, until: { ...whenArg('end of the proof, a day ahead at most'), default: '12h' } },
    async ({ agent, until }, chain) => {
      const deadline = await atTime(until, chain)
      const wallet = chain.sender()
      const digest = (await chain.read('AgentRegistry', 'walletDigest', [agent, wallet, deadline])) as string
      const signature = chain.sign(hexToBytes(digest))
      return { agent, wallet, deadline, signature: bytesToHex(unpacked(signature)) }
    },
  ),
  'set-wallet': action(
    'AgentRegistry',
    'setAgentWallet',
    'Names the account where an agent is paid, by the proof that it made.',
    {
      agent: agentArg,
      wallet: addressArg('the wallet'),
      deadline: { help: 'end of the proof, Unix seconds', value: 'SECONDS', parse: asUint64 },
      proof: { help: 'what agent wallet-proof signed', value: 'HEX', parse: asBytes },
    },
    ({ agent, wallet, deadline, proof }) => ({ args: [agent, wallet, deadline, proof] }),
  ),
  'unset-wallet': action(
    'AgentRegistry',
    'unsetAgentWallet',
    'Takes the account away where an agent is paid.',
    { agent: agentArg },
    ({ agent }) => ({ args: [agent] }),
  ),
  transfer: action(
    'AgentRegistry',
    'transferFrom',
    'Gives an agent away with its stake and purse; its keys and wallet end.',
    { agent: agentArg, to: addressArg('who gets it') },
    ({ agent, to }, chain) => ({ args: [chain.sender(), to, agent] }),
  ),
  approve: action(
    'AgentRegistry',
    'approve',
    'Lets an operator act for an agent; the zero address: nobody.',
    { agent: agentArg, operator: { ...addressArg('the operator'), default: zeroAddress } },
    ({ agent, operator }) => ({ args: [operator, agent] }),
  ),
  stake: action(
    'AgentRegistry',
    'stake',
    'Adds to an agent’s stake; it is the agent’s from now on, whoever adds it.',
    { agent: agentArg, amount: openArg('how much') },
    ({ agent, amount }) => ({ args: [agent], value: amount }),
  ),
  unbond: action(
    'AgentRegistry',
    'requestUnbond',
    'Asks for stake back. It can be slashed until it is paid, and all that was asked for waits anew.',
    { agent: agentArg, amount: openArg('how much') },
    ({ agent, amount }) => ({ args: [agent, amount] }),
  ),
  'cancel-unbond': action(
    'AgentRegistry',
    'cancelUnbond',
    'Makes stake again of what was asked for.',
    { agent: agentArg },
    ({ agent }) => ({ args: [agent] }),
  ),
  'withdraw-stake': action(
    'AgentRegistry',
    'withdraw',
    'Pays the stake that was asked for long enough ago.',
    { agent: agentArg, to: addressArg('who is paid') },
    ({ agent, to }) => ({ args: [agent, to] }),
  ),
  authorise: action(
    'AgentReviews',
    'authoriseClient',
    'Marks the next feedback of a client as asked for by the agent.',
    {
      agent: agentArg,
      client: clientArg,
      limit: { help: 'number of the last feedback that is marked', value: 'N', parse: asUint64, default: '1' },
      until: { ...whenArg('end of the authorisation'), default: '30d' },
    },
    async ({ agent, client, limit, until }, chain) => ({ args: [agent, client, limit, await atTime(until, chain)] }),
  ),
  feedback: action(
    'AgentReviews',
    'giveFeedback',
    'Says what you think of an agent.',
    {
      agent: agentArg,
      value: { help: 'the rating', value: 'NUMBER', parse: asRating },
      tag1: emptyText('what is rated, as starred or uptime'),
      tag2: emptyText('a second tag'),
      endpoint: emptyText('which of its endpoints'),
      uri: emptyText('where more is said'),
      hash: hashOfArg('what stands there'),
    },
    ({ agent, value: { value, decimals }, tag1, tag2, endpoint, uri, hash }) => ({
      args: [agent, value, decimals, tag1, tag2, endpoint, uri, hash],
    }),
  ),
  'revoke-feedback': action(
    'AgentReviews',
    'revokeFeedback',
    'Takes your feedback back; it stays to be read.',
    { agent: agentArg, index: indexArg },
    ({ agent, index }) => ({ args: [agent, index] }),
  ),
  respond: action(
    'AgentReviews',
    'appendResponse',
    'Answers a client’s feedback; anyone may.',
    { agent: agentArg, client: clientArg, index: indexArg, uri: uriArg('the answer'), hash: hashOfArg('the answer') },
    ({ agent, client, index, uri, hash }) => ({ args: [agent, client, index, uri, hash] }),
  ),
  validate: action(
    'AgentReviews',
    'validationRequest',
    'Asks a validator to check an agent’s work.',
    {
      agent: agentArg,
      validator: addressArg('who is asked'),
      uri: uriArg('all that the check needs'),
      hash: hashArg('keccak256 of it: the request’s name'),
    },
    ({ agent, validator, uri, hash }) => ({ args: [validator, agent, uri, hash] }),
  ),
  validated: action(
    'AgentReviews',
    'validationResponse',
    'Answers a request that names you as validator.',
    {
      request: hashArg('the request’s name'),
      response: { help: '0: failed, to 100: passed', value: 'N', parse: asUint32 },
      uri: emptyText('what was found'),
      hash: hashOfArg('what was found'),
      tag: emptyText('a tag'),
    },
    ({ request, response, uri, hash, tag }) => ({ args: [request, response, uri, hash, tag] }),
  ),
}

/** 65 bytes `r ‖ s ‖ v` of `r ‖ vs`: ERC-1271 and old wallets know no other. */
function unpacked(signature: Uint8Array): Uint8Array {
  const long = new Uint8Array(65)
  long.set(signature)
  const top = signature[32] ?? 0
  long[32] = top & 0x7f
  long[64] = 27 + (top >> 7)
  return long
}
