import { aheadMax, epochsMax, forecast } from '../../attribution/integrity/forecast.ts'
import type { QueryContext } from './context.ts'
import { queryError } from './query-error.ts'

/** What a payee may earn in the next epochs, of the final ones by block `at` since its first; null of too few. Throws BAD_INPUT. */
export function forecastOf({ store }: QueryContext, payee: string, ahead: number, at: number | undefined) {
  if (ahead < 1 || ahead > aheadMax) throw queryError('BAD_INPUT', `epochs must be 1 to ${aheadMax}, got ${ahead}`)
  const rows = store.all(
    `select earned from (select key from epoch where final_block <= ?
      and key >= (select min(proposal) from earning where payee = ?) order by key desc limit ?) final
     left join earning on earning.proposal = final.key and earning.payee = ? order by final.key`,
    ...[at ?? Number.MAX_SAFE_INTEGER, payee, epochsMax, payee],
  )
  const found = forecast(
    rows.map(({ earned }) => BigInt(String(earned ?? 0))),
    ahead,
  )
  if (found === undefined) return null
  const { low, middle, high } = found
  return { basedOn: rows.length, low: String(low), middle: String(middle), high: String(high) }
}
