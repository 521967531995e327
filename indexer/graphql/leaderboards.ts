import type { Row, Value } from '../store/store.ts'
import { type AtBlock, atBlock } from './at-block.ts'
import { pageNodesDefault, pageNodesMax } from './connection.ts'
import type { QueryContext } from './context.ts'
import { contributorBoard } from './contributor-board.ts'
import { queryError } from './query-error.ts'

/**
 * Leaderboards as of a block: integers alone, a total order. docs/AGENTS.md, "Leaderboards". What is not of final epochs earned
 * nothing yet; what a reorg or a later dispute changes is changed at the block that says so and not before.
 */
export type LeaderboardRow = {
  readonly rank: number
  readonly subject: string
  readonly score: string
  readonly earned: string
  readonly count: string
  readonly ratioBps: number
}

type Standing = {
  readonly subject: string
  readonly score: bigint
  readonly earned: bigint
  readonly count: bigint
  readonly ratioBps: bigint
}

export type LeaderboardArguments = AtBlock & {
  readonly kind: 'CONTRIBUTORS' | 'MODELS' | 'WORKERS' | 'APPS'
  readonly datanet?: string | null
  readonly first?: number | null
}

const bps = 10_000n
/** Above every block. */
const newest = Number.MAX_SAFE_INTEGER

export function leaderboard(args: LeaderboardArguments, context: QueryContext): LeaderboardRow[] {
  const { kind, datanet } = args
  const first = args.first ?? pageNodesDefault
  if (first < 0 || first > pageNodesMax) throw queryError('BAD_INPUT', `first must be 0 to ${pageNodesMax}`)
  if ((kind === 'CONTRIBUTORS') !== (typeof datanet === 'string')) {
    throw queryError('BAD_INPUT', 'contributors are those of a datanet, and nobody else is')
  }
  const at = atBlock(args, context) ?? newest
  const standings =
    kind === 'CONTRIBUTORS'
      ? contributors(context, Number(datanet), at)
      : earners(context, boards[kind], at).sort(byRank)
  return standings.slice(0, first).map(shown)
}

/** What an app's code earned in receipts that are not void. */
export function codeEarnings(context: QueryContext, code: string, at: number = newest) {
  const own = liveReceipts(context, boards.APPS, at, code).find(({ subject }) => subject === code)
  return { total: String(own?.all ?? 0n), final: String(own?.final ?? 0n), receipts: Number(own?.live ?? 0n) }
}

/** Whose receipts, and the part of a fee that is theirs. */
type Board = { readonly subject: string; readonly part: string; readonly slashes: boolean }
const boards = {
  MODELS: { subject: 'model', part: 'model_share', slashes: false },
  WORKERS: { subject: 'worker', part: 'worker_share', slashes: true },
  APPS: { subject: 'app_code', part: 'builder', slashes: false },
} as const satisfies Record<string, Board>

/** Digits of the lower part of an amount: SQLite adds up both parts of 9 · 10⁹ rows below 2⁶³, since all wei there is are 10²⁷. */
const lowDigits = 9
/** SQL of an amount's sum, where `when` is true, in two parts. */
const sum = (name: string, amount: string, when = 'true') => {
  const high = `cast(substr(${amount}, 1, max(0, length(${amount}) - ${lowDigits})) as integer)`
  const low = `cast(substr(${amount}, -min(length(${amount}), ${lowDigits})) as integer)`
  const part = (each: string) => `cast(sum(case when ${when} then ${each} else 0 end) as text)`
  return `${part(high)} as ${name}_high, ${part(low)} as ${name}_low`
}
const summed = (row: Row, name: string): bigint =>
  BigInt(String(row[`${name}_high`])) * 10n ** BigInt(lowDigits) + BigInt(String(row[`${name}_low`]))

/** Batches that are void, and those of final epochs, as of a block; both take the block once. */
const voidBatches = `select key from receipt_batch_h h where status = 'void' and at = (
  select max(at) from receipt_batch_h where key = h.key and at <= ?)`
const finalBatches = `exists (select 1 from epoch where final_block <= ? and r.batch between first_batch and last_batch)`

function liveReceipts({ store }: QueryContext, { subject, part }: Board, at: number, only?: string) {
  const live = `(v.batch is null and r.batch not in (${voidBatches}))`
  const sql = `select subject, sum(live) as live, count(*) as count, ${sum('all', 'amount', 'live')}, ${sum('final', 'amount', 'live and final')}
    from (select r.${subject} as subject, r.${part} as amount, ${live} as live, ${finalBatches} as final
      from receipt r left join void_receipt v on v.batch = r.batch and v.receipt = r.idx and v.block <= ?
      where r.batch in (select key from receipt_batch where block <= ?) and r.${subject} is not null
        ${only === undefined ? '' : `and r.${subject} = ?`})
    group by subject`
  const values: Value[] = [at, at, at, at, ...(only === undefined ? [] : [only])]
  return store.all(sql, ...values).map((row) => ({
    subject: String(row['subject']),
    live: BigInt(Number(row['live'])),
    count: BigInt(Number(row['count'])),
    all: summed(row, 'all'),
    final: summed(row, 'final'),
  }))
}

function earners(context: QueryContext, board: Board, at: number): Standing[] {
  const slashed = board.slashes ? slashesOf(context, at) : new Map<string, bigint>()
  const names = board.subject === 'app_code' ? codesOf(context) : undefined
  return liveReceipts(context, board, at).flatMap(({ subject, live, count, final }) => {
    const name = names === undefined ? subject : names.get(subject)
    if (name === undefined) return []
    const ratioBps = (bps * live) / count
    const lost = slashed.get(subject) ?? 0n
    const kept = final > lost ? final - lost : 0n
    return [{ subject: name, earned: final, count: live, ratioBps, score: (kept * ratioBps) / bps }]
  })
}

/** wei that workers lost by a block. */
function slashesOf({ store }: QueryContext, at: number): Map<string, bigint> {
  const rows = store.all(`select worker, ${sum('amount', 'amount')} from slash where block <= ? group by worker`, at)
  return new Map(rows.map((row) => [String(row['worker']), summed(row, 'amount')]))
}

/** Codes by their hash; a request may name one that nobody registered. */
function codesOf({ store }: QueryContext): Map<string, string> {
  return new Map(store.all('select key, code from code').map((row) => [String(row['key']), String(row['code'])]))
}

function contributors({ store }: QueryContext, datanet: number, at: number): Standing[] {
  const earned = contributionEarnings(store, datanet, at)
  return contributorBoard(store, datanet, at).map(({ author, reputation, accepted, rejected }) => ({
    subject: author,
    score: BigInt(reputation),
    earned: earned.get(author) ?? 0n,
    count: BigInt(accepted),
    ratioBps: (bps * BigInt(accepted)) / BigInt(accepted + rejected),
  }))
}

/** wei of final epochs that a Datanet's contributions brought, by author; of batches also where their lists are not there. */
function contributionEarnings(store: QueryContext['store'], datanet: number, at: number): Map<string, bigint> {
  const paid = (from: string) => `select author, r.amount as amount from ${from}
    left join void_receipt v on v.batch = r.batch and v.receipt = r.receipt and v.block <= ?
    where datanet = ? and v.batch is null and ${finalBatches} and r.batch not in (${voidBatches})`
  const alone = 'contribution c join entry r on r.contribution = c.id'
  const listed = 'batch b join entry r on r.contribution >= b.first_id and r.contribution < b.first_id + b.count'
  const sql = `select author, ${sum('amount', 'amount')} from (${paid(alone)} and c.batch is null
    union all ${paid(listed)}) group by author`
  const values = [at, datanet, at, at]
  return new Map(store.all(sql, ...values, ...values).map((row) => [String(row['author']), summed(row, 'amount')]))
}

/** Score, then earnings, count and ratio, each the greater first; then the subject, numbers before words. */
function byRank(a: Standing, b: Standing): number {
  for (const name of ['score', 'earned', 'count', 'ratioBps'] as const) {
    if (a[name] !== b[name]) return a[name] > b[name] ? -1 : 1
  }
  const [x, y] = [a.subject, b.subject]
  if (/^\d+$/.test(x) && /^\d+$/.test(y)) return Number(x) - Number(y)
  return x < y ? -1 : 1
}

function shown({ subject, score, earned, count, ratioBps }: Standing, i: number): LeaderboardRow {
  const amounts = { score: String(score), earned: String(earned), count: String(count) }
  return { rank: i + 1, subject, ...amounts, ratioBps: Number(ratioBps) }
}
