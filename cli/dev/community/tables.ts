import { table } from '../table.ts'
import type { Community } from './life.ts'

/** Characters of an outcome in a table. */
const outcomeMax = 110

/** Who did what, what was refused by name, the vote, and what the units earned. */
export function communityTables({ datanet, deeds, vote, holdings }: Community): string[][] {
  const rows = (isRefused: boolean) =>
    deeds.filter((deed) => deed.isRefused === isRefused).map(({ who, what, outcome }) => [who, what, short(outcome)])
  return [
    table(['who', 'did', 'outcome'], rows(false)),
    table(['who', 'tried', 'refused'], rows(true)),
    table(
      ['vote', 'units for', 'units against', 'bond now'],
      [[vote.state, vote.for, vote.against, `${inOpen(vote.bond)} OPEN`]],
    ),
    table(
      [`units of Datanet ${datanet}`, 'held', 'earned, OPEN'],
      holdings.map(({ who, units, earned }) => [who, units, inOpen(earned)]),
    ),
  ]
}

function short(text: string): string {
  return text.length > outcomeMax ? `${text.slice(0, outcomeMax - 1)}…` : text
}

/** wei in OPEN, to a millionth. */
function inOpen(wei: string): string {
  return (Number(BigInt(wei) / 10n ** 12n) / 1e6).toFixed(6)
}
