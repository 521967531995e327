import { allEvents } from '../../chain/ledger/all-events.ts'
import { callContract } from '../../chain/ledger/l2-calls.ts'
import type { Clock } from '../../common/clock.ts'
import { CodedError } from '../../common/errors.ts'
import type { HttpRpcClient } from '../../common/json-rpc.ts'
import type { Log } from '../../common/log.ts'
import { formatOpen } from '../money/values.ts'
import { type BridgeCheckOptions, checkBridge } from './bridge-check.ts'
import type { DevClients } from './clients.ts'
import type { Community } from './community/life.ts'
import { communityTables } from './community/tables.ts'
import { firstDifference } from './compare.ts'
import { queryGraphql } from './graphql.ts'
import { askAndCheck, explained, paid, type RoundParts } from './round.ts'
import { answersTable, earningsTable, wordsTable } from './round-tables.ts'
import { syncStatus } from './status.ts'

export type OnceOptions = {
  readonly bridge: BridgeCheckOptions
  /** Absent where nobody answers on this chain. */
  readonly round: RoundParts | undefined
  /** A community's life beside it; absent where none is shown. */
  readonly community: (() => Promise<Community>) | undefined
  /** Last L2 block of the seeding. */
  readonly seededAt: number
  readonly seededItems: number
  readonly datanets: number
}

export type OnceParts = DevClients & {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: Log
  readonly print: (line: string) => void
}

/** A check of `dev --once` did not hold. */
export class OnceError extends CodedError<'difference' | 'timeout' | 'indexer' | 'fees' | 'interrupted'> {}

/** Time a node may take to reach a block. */
const waitMsMax = 120_000
const pollMs = 500

/**
 * Deposit and withdrawal, and beside them answers that are checked and paid; then equal hashes and an equal index. Prints tables,
 * throws at the first that fails: {@link OnceError}, BridgeError, AskError, RoundError.
 */
export async function checkOnce(options: OnceOptions, parts: OnceParts): Promise<void> {
  const rows: [string, string][] = []
  await reached(parts.verifierRollup, options.seededAt, 'the verifier', parts)
  rows.push(['seed covered by the verifier', `block ${options.seededAt}`])

  const [bridge, tables, community] = await Promise.all([
    checkBridge(options.bridge, { ...parts, progress: (step) => parts.log.info(step) }),
    options.round === undefined ? [] : checkAnswers(options.round),
    options.community?.(),
  ])
  rows.push(
    ['deposit on L2', bridge.depositL2Hash],
    ['withdrawal', bridge.withdrawalHash],
    ['finalised on L1 in', bridge.finalizeL1Hash],
  )

  rows.push(['gas fees divided', await disbursed(parts)])

  const last = (await syncStatus(parts.sequencerRollup))?.unsafe_l2.number ?? 0
  await reached(parts.verifierRollup, last, 'the verifier', parts)
  const difference = await firstDifference(parts.sequencerEth, parts.verifierEth, 0, last)
  if (difference !== undefined) {
    const { number, left, right } = difference
    throw new OnceError('difference', `block ${number}: the sequencer has ${left}, the verifier ${right}`)
  }
  rows.push(['blocks equal, sequencer and verifier', `0 to ${last}`])

  const index = await indexed(options, last, parts)
  rows.push(['indexed', `${index.datanets} Datanets, ${index.contributions} contributions, block ${index.block}`])
  const width = Math.max(...rows.map(([name]) => name.length))
  for (const [name, value] of rows) parts.print(`${name.padEnd(width)}  ${value}`)
  const more = community === undefined ? [] : communityTables(community)
  for (const table of [...tables, ...more]) for (const line of ['', ...table]) parts.print(line)
}

/** Asks the questions and waits until both nodes found the answers right, all payees are paid, and it is shown for which words. */
async function checkAnswers(round: RoundParts): Promise<string[][]> {
  const answers = await askAndCheck(round)
  const earnings = await paid(answers, round)
  const words = await explained(answers, earnings, round)
  return [answersTable(answers), earningsTable(earnings), wordsTable(answers, words)]
}

async function reached(
  rollup: HttpRpcClient,
  number: number,
  who: string,
  { clock, signal, log }: OnceParts,
): Promise<void> {
  const deadline = clock.nowMs() + waitMsMax
  let shown = -1
  for (;;) {
    const safe = (await syncStatus(rollup))?.safe_l2.number ?? -1
    if (safe >= number) return
    if (signal.aborted) throw new OnceError('interrupted', 'interrupted')
    if (clock.nowMs() > deadline)
      throw new OnceError('timeout', `${who}'s safe head is ${safe}, not ${number}, after ${waitMsMax / 1000} s`)
    if (safe >= shown + 10) {
      shown = safe
      log.info('waiting for the safe head', { who, safe, wanted: number })
    }
    await clock.sleep(pollMs, signal)
  }
}

/** Waits until the attributor had the chain's gas fees divided. */
async function disbursed({ sequencerEth, clock, signal }: OnceParts): Promise<string> {
  const deadline = clock.nowMs() + waitMsMax
  for (;;) {
    const found = await allEvents(sequencerEth, 'FeeSplitter', 'FeesDisbursed')
    const wei = found.reduce((sum, { args }) => sum + BigInt(String(args['grossRevenue'])), 0n)
    if (found.length > 0) return `${formatOpen(wei)} OPEN, to stakers and treasury`
    if (signal.aborted) throw new OnceError('interrupted', 'interrupted')
    if (clock.nowMs() > deadline)
      throw new OnceError('fees', `nobody had the gas fees divided within ${waitMsMax / 1000} s`)
    await clock.sleep(pollMs, signal)
  }
}

type Index = {
  readonly block: number
  readonly datanets: number
  readonly contributions: number
  readonly missing: number
}

/** Waits until the indexer has the block and every text, then compares its counts with those of the chain. */
async function indexed(
  options: OnceOptions,
  block: number,
  { graphqlUrl, sequencerEth, clock, signal }: OnceParts,
): Promise<Index> {
  const deadline = clock.nowMs() + waitMsMax
  const made = await registered(options, sequencerEth)
  for (;;) {
    const index = await readIndex(graphqlUrl)
    const isThere = index !== undefined && index.block >= block && index.missing === 0
    if (isThere && index.contributions >= made.contributions) {
      if (index.datanets !== made.datanets || index.contributions !== made.contributions) {
        throw new OnceError('indexer', `the chain has ${JSON.stringify(made)}, indexed ${JSON.stringify(index)}`)
      }
      return index
    }
    if (signal.aborted) throw new OnceError('interrupted', 'interrupted')
    if (clock.nowMs() > deadline)
      throw new OnceError(
        'indexer',
        `the indexer is behind: ${JSON.stringify(index)}, wanted block ${block} and ${made.contributions} contributions`,
      )
    await clock.sleep(pollMs, signal)
  }
}

type Registered = { readonly datanets: number; readonly contributions: number }

/** What the DatanetRegistry counts: all that was seeded, and what people added. Throws {@link OnceError} for less. */
async function registered({ datanets, seededItems }: OnceOptions, rpc: HttpRpcClient): Promise<Registered> {
  const count = async (functionName: string) =>
    Number(await callContract(rpc, { contract: 'DatanetRegistry', functionName, args: [] }))
  const made = { datanets: await count('datanetCount'), contributions: await count('contributionCount') }
  if (made.datanets < datanets || made.contributions < seededItems) {
    const seeded = `${datanets} Datanets and ${seededItems} contributions`
    throw new OnceError('indexer', `seeded ${seeded}, the chain has ${JSON.stringify(made)}`)
  }
  return made
}

async function readIndex(url: string): Promise<Index | undefined> {
  const query = `{ _meta { block { number } missingContent } datanets(first: 1) { totalCount } contributions(first: 1) { totalCount } }`
  try {
    const data = await queryGraphql<{
      readonly _meta: { readonly block: { readonly number: string }; readonly missingContent: number }
      readonly datanets: { readonly totalCount: number }
      readonly contributions: { readonly totalCount: number }
    }>(url, query)
    return {
      block: Number(data._meta.block.number),
      datanets: data.datanets.totalCount,
      contributions: data.contributions.totalCount,
      missing: data._meta.missingContent,
    }
  } catch {
    return undefined
  }
}
