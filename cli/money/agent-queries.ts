import { asCount, asHttpUrl, asText } from '../../common/flag-parsers.ts'
import { type Hex, parseQuantity } from '../../protocol/bytes.ts'
import { optional, query } from './action.ts'
import { agentArg } from './agent-args.ts'
import { addressArg } from './arg-kinds.ts'
import { askGraphql } from './graphql-claim.ts'
import { asUint64 } from './parsers.ts'
import { Amount, Time } from './values.ts'

type Stake = { readonly stake: bigint; readonly unbonding: bigint; readonly unbondsAt: bigint; readonly locks: number }
type Session = {
  readonly agentId: bigint
  readonly owner: Hex
  readonly until: bigint
  readonly perRequest: bigint
  readonly perDay: bigint
  readonly revoked: boolean
  readonly anyModel: boolean
  readonly anyWorker: boolean
}

export const showAgent = query(
  'Shows an agent: its owner, file and wallet, its stake, its purse.',
  { agent: agentArg },
  async ({ agent }, chain) => {
    const registry = (name: string) => chain.read('AgentRegistry', name, [agent])
    const held = (await registry('stakes')) as Stake
    const purse = (await chain.read('AgentSpending', 'purseOf', [agent])) as Hex
    return {
      agent,
      owner: await registry('ownerOf'),
      uri: await registry('tokenURI'),
      wallet: await registry('getAgentWallet'),
      stake: new Amount(held.stake),
      unbonding: new Amount(held.unbonding),
      unbondsAt: new Time(held.unbondsAt),
      openChallenges: held.locks,
      purse,
      inPurse: new Amount(parseQuantity(await chain.request('eth_getBalance', [purse, 'latest']))),
      feedback: await chain.read('AgentReviews', 'getClients', [agent]),
    }
  },
)

export const showKey = query(
  'Shows a key: its agent, its limits, what it may still promise today.',
  { key: optional(addressArg('the key; absent: you')) },
  async ({ key: given }, chain) => {
    const key = given ?? chain.sender()
    const session = (await chain.read('AgentSpending', 'sessionOf', [key])) as Session
    const spending = (name: string) => chain.read('AgentSpending', name, [key])
    return {
      key,
      agent: session.agentId,
      isLive: await spending('isLive'),
      perRequest: new Amount(session.perRequest),
      perDay: new Amount(session.perDay),
      leftToday: new Amount((await spending('leftToday')) as bigint),
      promised: new Amount((await spending('spentBy')) as bigint),
      until: new Time(session.until),
      revoked: session.revoked,
      anyModel: session.anyModel,
      anyWorker: session.anyWorker,
      home: await chain.read('InferenceMarket', 'homeOf', [key]),
    }
  },
)

const kinds = ['contributors', 'models', 'workers', 'apps'] as const
const asKind = (text: string): string => {
  if (!(kinds as readonly string[]).includes(text)) throw new Error(`must be one of ${kinds.join(', ')}`)
  return text.toUpperCase()
}
type Ranked = Readonly<Record<'rank' | 'subject' | 'score' | 'earned' | 'count' | 'ratioBps', string>>

export const leaderboard = query(
  'Shows who did most, as of a block: contributors of a Datanet, models, workers or apps.',
  {
    kind: { help: 'who', value: kinds.join('|'), parse: asKind },
    datanet: optional({ help: 'whose contributors', value: 'ID', parse: asUint64 }),
    block: optional({ help: 'number of the block; absent: the newest', value: 'N', parse: asCount }),
    first: { help: 'how many', value: 'N', parse: asCount, default: '20' },
    graphql: {
      help: 'GraphQL of an indexer',
      value: 'URL',
      parse: asHttpUrl,
      default: 'http://127.0.0.1:8080/graphql',
    },
  },
  async ({ kind, datanet, block, first, graphql }) => {
    const text = `query ($kind: LeaderboardKind!, $datanet: BigInt, $first: Int, $block: BlockInput) {
      leaderboard(kind: $kind, datanet: $datanet, first: $first, block: $block) { rank subject score earned count ratioBps } }`
    const variables = {
      ...{ kind, first },
      ...(datanet === undefined ? {} : { datanet: String(datanet) }),
      ...(block === undefined ? {} : { block: { number: block } }),
    }
    const data = await askGraphql(graphql, text, variables)
    return (data['leaderboard'] as readonly Ranked[]).map((row) => ({ ...row, earned: new Amount(BigInt(row.earned)) }))
  },
)

export const appEarnings = query(
  'Shows an app code: whose it is, whom it pays now and later, what it earned.',
  {
    code: { help: 'the app code', value: 'TEXT', parse: asText },
    graphql: optional({ help: 'GraphQL of an indexer, for what it earned', value: 'URL', parse: asHttpUrl }),
  },
  async ({ code, graphql }, chain) => {
    const { keccakHex } = await import('../../protocol/keccak.ts')
    const hash = keccakHex(new TextEncoder().encode(code))
    const registry = (name: string) => chain.read('CodeRegistry', name, [code])
    const found = {
      code,
      owner: await registry('ownerOf'),
      payout: await registry('payoutAddress'),
      paysNow: await chain.read('CodeRegistry', 'payoutAt', [hash, await chain.now()]),
      uri: await registry('codeURI'),
    }
    if (graphql === undefined) return found
    const text = 'query ($code: String!) { code(code: $code) { earnings { total final receipts } } }'
    const { earnings } = (await askGraphql(graphql, text, { code }))['code'] as { earnings: Record<string, string> }
    const [total, final] = [earnings['total'], earnings['final']].map((wei) => new Amount(BigInt(wei ?? 0)))
    return { ...found, earned: total, inFinalEpochs: final, receipts: earnings['receipts'] }
  },
)
