import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { type Outcome, Reputations } from '../../../attribution/integrity/reputation.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import { Random } from '../../fakes/random.ts'

/** Every step of every outcome in order; `>>` rounds down. docs/INTEGRITY.md §1. */
const replay = `
with recursive
step(n, of, last) as (
  select 1, seq, items * (case kind when 'refuted' then 4 else 1 end) from outcome
  union all select n + 1, of, last from step where n < last),
ordered as (
  select o.datanet, o.author, row_number() over (partition by o.datanet, o.author order by o.seq, s.n) as place,
    case when o.kind <> 'accepted' then 0 when o.score = 0 then 65536 else o.score * 65536 / 10000 end as target
  from outcome o join step s on s.of = o.seq),
moved(datanet, author, place, reputation) as (
  select distinct datanet, author, 0, 32768 from outcome
  union all
  select m.datanet, m.author, o.place, m.reputation + ((o.target - m.reputation) >> 3)
  from moved m join ordered o on o.datanet = m.datanet and o.author = m.author and o.place = m.place + 1)
select datanet, author, reputation from moved m
where place = (select max(place) from ordered o where o.datanet = m.datanet and o.author = m.author)
order by datanet, reputation desc, author`

test('M15 reputations of 1,000 events are the same in SQL and by replay', () => {
  const random = new Random(15)
  const kinds = ['accepted', 'accepted', 'rejected', 'refuted'] as const
  const outcomes: Outcome[] = Array.from({ length: 1_000 }, () => {
    const kind = kinds[random.int(kinds.length)] ?? 'accepted'
    return {
      datanet: BigInt(1 + random.int(3)),
      author: `0x${String(random.int(7)).repeat(40)}` as Hex,
      items: 1 + random.int(5),
      result: kind === 'accepted' ? { kind, score: random.int(10_001) } : { kind },
    }
  })
  const db = new Database(':memory:')
  db.exec('create table outcome (seq integer primary key, datanet, author, items integer, kind, score integer)')
  db.exec('create index outcome_of on outcome (datanet, author, seq)')
  const insert = db.prepare('insert into outcome (datanet, author, items, kind, score) values (?, ?, ?, ?, ?)')
  const reputations = new Reputations()
  for (const outcome of outcomes) {
    const { datanet, author, items, result } = outcome
    insert.run(Number(datanet), author, items, result.kind, result.kind === 'accepted' ? result.score : 0)
    reputations.apply(outcome)
  }
  const rows = db.prepare(replay).all() as { datanet: number; author: Hex; reputation: number }[]
  db.close()
  expect(rows).toHaveLength(21)
  for (const { datanet, author, reputation } of rows) {
    expect(reputations.of(BigInt(datanet), author).reputation).toBe(reputation)
  }
  expect(new Set(rows.map(({ reputation }) => reputation)).size).toBeGreaterThan(15)
})
