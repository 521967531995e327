import type { Row } from '../store/store.ts'
import type { Filter } from './connection.ts'
import type { QueryContext } from './context.ts'

/** Wei credited to a payee since the beginning: through the final epochs, and through all that stand. */
export type Earnings = { readonly earned: bigint; readonly standing: bigint }

/** Proposals that were final by a block. */
const isFinal = 'final_block <= ?'
/** Proposals that stood at a block, final or not. */
const stands = 'block <= ? and (gone_block is null or gone_block > ?)'
/** Above every block. */
const newest = Number.MAX_SAFE_INTEGER

/** Earnings by block `at`; of the payees of one level in one statement. */
export async function earningsOf(
  { store, loaders }: QueryContext,
  payee: string,
  at: number = newest,
): Promise<Earnings> {
  const found = await loaders.load(`earnings at ${at}`, payee, (payees) => {
    // A payee's last row under such proposals: epochs stand on each other in the order of their proposals.
    const last = (condition: string) => `(select cumulative from earning where payee = k.value and proposal in
      (select key from epoch where ${condition}) order by proposal desc limit 1)`
    const sql = `select k.value as payee, ${last(isFinal)} as earned, ${last(stands)} as standing from json_each(?) k`
    const rows = store.all(sql, at, at, at, JSON.stringify(payees))
    return new Map(rows.map((row) => [row['payee'] ?? null, row]))
  })
  return { earned: BigInt(String(found?.['earned'] ?? 0)), standing: BigInt(String(found?.['standing'] ?? 0)) }
}

/** The first epoch after `since` that was final by the block and brought a payee something, where its data is there. */
export async function nextIncome(
  { store, loaders }: QueryContext,
  payee: string,
  since: number,
  at: number = newest,
): Promise<Row | undefined> {
  const first = `select e.key from earning join epoch e on e.key = earning.proposal
    where payee = k.value ->> 0 and e.${isFinal} and e.number > k.value ->> 1 order by e.number limit 1`
  const sql = `select k.value as place, epoch.* from json_each(?) k join epoch on epoch.key = (${first})
    join ledger_file f on f.kind = 'epoch' and f.key = epoch.key and f.state = 'present'`
  return await loaders.load(`next income at ${at}`, JSON.stringify([payee, since]), (places) => {
    const rows = store.all(sql, JSON.stringify(places), at)
    return new Map(rows.map((row) => [row['place'] ?? null, row]))
  })
}

/** Credits that stood at a block: all, those of final epochs, or those of others. */
export function standingCredits(at: number = newest, final?: boolean | null): readonly Filter[] {
  const condition = final === true ? isFinal : stands
  const notFinal = final === false ? ' and (final_block is null or final_block > ?)' : ''
  const values = final === true ? [at] : final === false ? [at, at, at] : [at, at]
  return [{ sql: `proposal in (select key from epoch where ${condition}${notFinal})`, values }]
}

/** False where the data of an epoch that stood at the block is not there. */
export async function isComplete({ store, loaders }: QueryContext, at: number = newest): Promise<boolean> {
  const sql = `select 1 from ledger_file f join epoch on f.kind = 'epoch' and epoch.key = f.key
    where f.state in ('missing', 'damaged', 'bad') and epoch.block <= ? and (gone_block is null or gone_block > ?) limit 1`
  const read = () => new Map([[at, store.get(sql, at, at) === undefined]])
  return (await loaders.load(`completeness at ${at}`, at, read)) === true
}

/** The newest epoch that was final by the block and whose data is there: what a claim is proven under. */
export function provableEpoch({ store, loaders }: QueryContext, at: number = newest): Promise<Row | undefined> {
  const sql = `select epoch.* from epoch join ledger_file f on f.kind = 'epoch' and f.key = epoch.key
    where f.state = 'present' and ${isFinal} order by epoch.key desc limit 1`
  return loaders.load(`provable epoch at ${at}`, at, () => {
    const row = store.get(sql, at)
    return new Map(row === undefined ? [] : [[at, row]])
  })
}
