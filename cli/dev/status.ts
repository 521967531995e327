import { callContract } from '../../chain/ledger/l2-calls.ts'
import type { HttpRpcClient } from '../../common/json-rpc.ts'
import { queryGraphql } from './graphql.ts'
import { checkerStatus } from './verdicts.ts'

/** What the status line shows; a part that does not answer is undefined. */
export type DevStatus = {
  readonly unsafe: number | undefined
  readonly safe: number | undefined
  readonly finalized: number | undefined
  /** Safe head of the node that sees only L1. */
  readonly verifierSafe: number | undefined
  readonly l1Head: number | undefined
  readonly indexed: number | undefined
  readonly datanets: number | undefined
  readonly workers: number | undefined
  /** Answers that were committed to be paid. */
  readonly answers: number | undefined
  /** Answers that each node judged since it started; undefined where it does not check. */
  readonly checked: readonly (number | undefined)[]
  /** Of payouts: proposed so far, and of these final. */
  readonly epochs: { readonly last: number; readonly final: number } | undefined
  /** Times that gas fees were divided among stakers and treasury. */
  readonly disbursements: number | undefined
  readonly transactionsPerSecond: number | undefined
}

type Sources = {
  readonly sequencerRollup: HttpRpcClient
  readonly sequencerEth: HttpRpcClient
  readonly verifierRollup: HttpRpcClient
  readonly graphqlUrl: string
}

/** Blocks over which transactions a second are averaged. */
const rateBlocks = 10

/** Asks every part of the dev chain how it stands. Never throws. */
export async function readStatus(sources: Sources): Promise<DevStatus> {
  const [sequencer, verifier, indexed, checked, epochs, transactionsPerSecond] = await Promise.all([
    syncStatus(sources.sequencerRollup),
    syncStatus(sources.verifierRollup),
    indexerStatus(sources.graphqlUrl),
    Promise.all([sources.sequencerRollup, sources.verifierRollup].map(checkedBy)),
    epochStatus(sources.sequencerEth),
    transactionRate(sources.sequencerEth),
  ])
  return {
    unsafe: sequencer?.unsafe_l2.number,
    safe: sequencer?.safe_l2.number,
    finalized: sequencer?.finalized_l2.number,
    verifierSafe: verifier?.safe_l2.number,
    l1Head: sequencer?.head_l1.number,
    indexed: indexed?.block,
    datanets: indexed?.datanets,
    workers: indexed?.workers,
    answers: indexed?.answers,
    disbursements: indexed?.disbursements,
    checked,
    epochs,
    transactionsPerSecond,
  }
}

export function statusLine(status: DevStatus): string {
  const lag = status.unsafe === undefined || status.safe === undefined ? undefined : status.unsafe - status.safe
  const rate = status.transactionsPerSecond?.toFixed(1)
  const parts: readonly (readonly [string, string | number | undefined])[] = [
    ['L1', status.l1Head],
    ['unsafe', status.unsafe],
    ['safe', status.safe],
    ['finalized', status.finalized],
    ['verifier', status.verifierSafe],
    ['safe lag', lag],
    ['indexed', status.indexed],
    ['datanets', status.datanets],
    ['workers', status.workers],
    ['answers', status.answers],
    ['checked', status.checked.map((count) => count ?? '-').join('/')],
    ['epochs', status.epochs === undefined ? undefined : `${status.epochs.last} (${status.epochs.final} final)`],
    ['gas fees divided', status.disbursements],
    ['tx/s', rate],
  ]
  return parts.map(([name, value]) => `${name} ${value ?? '-'}`).join('  ')
}

type RollupStatus = Record<
  'unsafe_l2' | 'safe_l2' | 'finalized_l2' | 'head_l1' | 'current_l1',
  { readonly number: number; readonly hash: string }
>

/** `optimism_syncStatus`, or undefined where the node does not answer. */
export async function syncStatus(client: HttpRpcClient): Promise<RollupStatus | undefined> {
  return quietly(async () => (await client.request('optimism_syncStatus')) as RollupStatus)
}

type IndexerStatus = Record<'block' | 'datanets' | 'workers' | 'answers' | 'disbursements', number>

async function indexerStatus(url: string): Promise<IndexerStatus | undefined> {
  type Counted = { readonly totalCount: number | string }
  const names = ['datanets', 'workers', 'receipts', 'feeDisbursements'] as const
  const lists = names.map((name) => `${name}(first: 1) { totalCount }`).join(' ')
  return quietly(async () => {
    const data = await queryGraphql<{ _meta: { block: { number: string } } } & Record<(typeof names)[number], Counted>>(
      url,
      `{ _meta { block { number } } ${lists} }`,
    )
    return {
      block: Number(data._meta.block.number),
      datanets: Number(data.datanets.totalCount),
      workers: Number(data.workers.totalCount),
      answers: Number(data.receipts.totalCount),
      disbursements: Number(data.feeDisbursements.totalCount),
    }
  })
}

async function checkedBy(client: HttpRpcClient): Promise<number | undefined> {
  return quietly(async () => (await checkerStatus(client)).checked)
}

async function epochStatus(client: HttpRpcClient): Promise<DevStatus['epochs']> {
  return quietly(async () => {
    const ask = (functionName: string) =>
      callContract(client, { contract: 'AttributionLedger', functionName, args: [] }) as Promise<bigint>
    const [last, final] = await Promise.all([ask('lastEpoch'), ask('finalEpoch')])
    return { last: Number(last), final: Number(final) }
  })
}

async function transactionRate(client: HttpRpcClient): Promise<number | undefined> {
  return quietly(async () => {
    const head = Number((await client.request('eth_blockNumber')) as string)
    const numbers = Array.from({ length: Math.min(rateBlocks, head) }, (_, i) => head - i)
    const blocks = (await client.batch(
      numbers.map((number) => ({ method: 'eth_getBlockByNumber', params: [`0x${number.toString(16)}`, false] })),
    )) as { readonly timestamp: string; readonly transactions: readonly string[] }[]
    const [newest, oldest] = [blocks[0], blocks.at(-1)]
    if (newest === undefined || oldest === undefined || newest === oldest) return 0
    const seconds = Number(newest.timestamp) - Number(oldest.timestamp)
    // The first transaction of a block is the L1-attributes deposit.
    const transactions = blocks.slice(0, -1).reduce((sum, block) => sum + block.transactions.length - 1, 0)
    return seconds === 0 ? 0 : transactions / seconds
  })
}

async function quietly<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look()
  } catch {
    return undefined
  }
}
