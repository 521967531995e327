import { afterAll, beforeAll, expect, test } from 'vitest'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { FiledWorld } from '../fakes/filed-world.ts'
import { permissive } from '../fakes/licences.ts'
import { type Actor, type MoneyChain, open, Reverted } from '../fakes/money-chain.ts'
import { Random } from '../fakes/random.ts'
import { stake } from '../fakes/standing-model.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'

const days = 3
const stepsADay = 30
const day = 86_400n
const random = new Random(41)
/** `Decision.Accepted` of IDatanets.sol. */
const acceptedDecision = 2
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`

let world: IndexWorld
let index: TestIndex
let chain: MoneyChain
let authors: readonly Actor[]
let made = 0
/** What the contract counts of each author at the last block of each day. */
const counted: { readonly author: Hex; readonly day: number; readonly block: number; files: number; size: number }[] =
  []
/** Items by their first id, and what was decided of them, as the transactions' own logs say. */
const items = new Map<bigint, { readonly author: Hex; readonly datanet: bigint; readonly count: number }>()
const outcomes: {
  readonly author: Hex
  readonly datanet: bigint
  readonly count: number
  readonly accepted: boolean
}[] = []

/** Some days of texts, labels, batches and decisions in two Datanets, refused where a limit is met; two epochs that pay authors. */
beforeAll(async () => {
  world = await IndexWorld.start()
  const money = await FiledWorld.watchedBy(world)
  chain = money.chain
  authors = ['ann', 'bob', 'cleo'].map((name) => chain.actor(name))
  const owner = chain.actor('datanet owner')
  await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, zeroHash, 0n, word(9)])
  await chain.send(owner, 'DatanetRegistry', 'setStatus', [2n, 2])
  for (let today = 0; today < days; today++) {
    chain.advance((chain.now / day + 1n) * day - chain.now)
    for (let i = 0; i < stepsADay; i++) {
      await step(owner)
      chain.advance(2)
    }
    for (const { address } of authors) {
      const usage = (await chain.read('DatanetRegistry', 'usageOf', [address])) as { files: number; size: number }
      const place = { day: Number(chain.now / day), block: Number(chain.blockNumber) - 1 }
      counted.push({ author: address, ...place, files: Number(usage.files), size: Number(usage.size) })
    }
  }
  await pay(money)
  money.show()
  index = await world.followed()
  await index.fetchFiles()
}, 120_000)

afterAll(() => world.stop())

async function step(owner: Actor): Promise<void> {
  const author = random.pick(authors)
  const datanet = BigInt(1 + random.int(2))
  const size = random.chance(0.1) ? 9_000_000 : random.int(1_000_000)
  const record = { contentHash: word(1_000 + made++), simHash: word(1), consent: 3, size, metaHash: word(2) }
  const { contentHash, simHash, consent, metaHash } = record
  const some = [...items.keys()]
  const calls: (readonly [Actor, string, readonly unknown[]])[] = [
    [author, 'submit', [datanet, contentHash, simHash, consent, size, metaHash]],
    [author, 'submitBatch', [datanet, contentHash, 1 + random.int(4), size, metaHash]],
  ]
  if (some.length > 0) {
    const first = random.pick(some)
    const id = first + BigInt(random.int(items.get(first)?.count ?? 1))
    const verdict = [random.chance(0.6), zeroHash]
    calls.push([author, 'submitFor', [id, 1, record]])
    calls.push([owner, 'decide', [id, ...verdict]], [owner, 'decideBatch', [first, ...verdict]])
  }
  const [from, name, args] = random.pick(calls)
  try {
    const { events } = await chain.send(from, 'DatanetRegistry', name, args)
    for (const { name: said, args: values } of events) learn(said, values)
  } catch (error) {
    if (!(error instanceof Reverted)) throw error
  }
}

function learn(name: string, args: Readonly<Record<string, unknown>>): void {
  const [datanet, author] = [args['id'] as bigint, String(args['author']).toLowerCase() as Hex]
  if (name === 'ContributionSubmitted') items.set(args['contribId'] as bigint, { author, datanet, count: 1 })
  if (name === 'ContributionBatch')
    items.set(args['firstId'] as bigint, { author, datanet, count: Number(args['count']) })
  const accepted = args['accepted'] as boolean
  if (name === 'ContributionDecided') outcomes.push({ ...ownerOf(args['contribId'] as bigint), count: 1, accepted })
  if (name === 'ContributionBatchDecided') {
    outcomes.push({ ...ownerOf(args['firstId'] as bigint), count: Number(args['items']), accepted })
  }
}

/** Of a contribution alone or in a batch. */
function ownerOf(id: bigint) {
  const found = [...items].find(([first, { count }]) => first <= id && id < first + BigInt(count))
  if (found === undefined) throw new Error(`contribution ${id} was never made`)
  return found[1]
}

/** Two epochs whose contributors' parts go to contributions of Datanet 1, the last of their batch where they are of one, in parts that do not come out even; all claim. */
async function pay(money: FiledWorld): Promise<void> {
  const [worker, payer] = [chain.actor('worker'), chain.actor('payer')]
  await stake(chain, worker)
  await money.deposit(payer, worker, 10n * open)
  const own = [...items]
    .filter(([, { datanet }]) => datanet === 1n)
    .map(([first, item]) => [first + BigInt(item.count - 1), item] as const)
  for (let epoch = 0; epoch < 2; epoch++) {
    const some = new Map(Array.from({ length: 3 }, () => random.pick(own)))
    const ids = [...some.keys()].sort((a, b) => (a < b ? -1 : 1))
    const entries = ids.map((id, i) => ({
      ...{ class: entryClasses.S, id, payee: some.get(id)?.author as Hex, evidenceHash: zeroHash },
      weight: Math.floor(1_000_000 / ids.length) + (i === 0 ? 1_000_000 % ids.length : 0),
    }))
    const plans = [money.plan(payer, worker, 7, 31 + epoch, entries)]
    const settled = await money.settle([(await money.commit(worker, money.build(worker, plans))).batch])
    for (const author of authors) {
      if (entries.some(({ payee }) => payee === author.address)) await money.claim(author, settled)
    }
  }
}

test('what an author contributed on a day is what the contract counted, for each day and as each day’s last block left it', async () => {
  expect(counted.some(({ files }) => files >= 5)).toBe(true)
  for (const { author, day: on, block, files, size } of counted) {
    const past = await index.data(`{
      byDay: contributionUsage(author: "${author}", day: ${on}) { day files bytes }
      asLeft: contributionUsage(author: "${author}", block: { number: ${block} }) { day files bytes } }`)
    const told = { day: on, files, bytes: String(size) }
    expect(past).toEqual({ byDay: told, asLeft: told })
  }
  const { contributionUsage } = await index.data(
    `{ contributionUsage(author: "${authors[0]?.address}", day: 1) { files bytes } }`,
  )
  expect(contributionUsage).toEqual({ files: 0, bytes: '0' })
})

test('contributors stand in the order that the decisions on chain give, with what the vault paid them', async () => {
  for (const datanet of [1n, 2n]) {
    const standings = new Map<Hex, { reputation: bigint; accepted: number; decided: number }>()
    for (const { author, datanet: of, count, accepted } of outcomes) {
      if (of !== datanet) continue
      const row = standings.get(author) ?? { reputation: 32_768n, accepted: 0, decided: 0 }
      for (let i = 0; i < count; i++) {
        const towards = (accepted ? 65_536n : 0n) - row.reputation
        // Division that rounds down: docs/INTEGRITY.md §1.
        row.reputation += (towards - (((towards % 8n) + 8n) % 8n)) / 8n
      }
      row.accepted += accepted ? count : 0
      row.decided += count
      standings.set(author, row)
    }
    expect(standings.size).toBeGreaterThan(1)
    const paid = async (author: Hex) =>
      datanet === 1n ? ((await chain.read('RoyaltyVault', 'payees', [author])) as readonly [bigint])[0] : 0n
    const rows = await Promise.all(
      [...standings].map(async ([subject, { reputation, accepted, decided }]) => ({
        ...{ subject, score: String(reputation), earned: String(await paid(subject)), count: String(accepted) },
        ratioBps: Math.floor((10_000 * accepted) / decided),
      })),
    )
    const { leaderboard } = await index.data(
      `{ leaderboard(kind: CONTRIBUTORS, datanet: ${datanet}) { rank subject score earned count ratioBps } }`,
    )
    const byScore = rows.sort((a, b) => Number(b.score) - Number(a.score) || Number(b.count) - Number(a.count))
    expect(leaderboard).toEqual(byScore.map((row, i) => ({ rank: i + 1, ...row })))
    if (datanet === 1n) expect(rows.some(({ earned }) => BigInt(earned) > 0n)).toBe(true)
  }
})

test('decisions that are counted are those that the contract has', async () => {
  const accepted = new Map<Hex, number>()
  for (const [first, { author, count }] of items) {
    for (let i = 0; i < count; i++) {
      const id = first + BigInt(i)
      const { decision } = (await chain.read('DatanetRegistry', 'contribution', [id])) as { decision: number }
      if (decision === acceptedDecision) accepted.set(author, (accepted.get(author) ?? 0) + 1)
    }
  }
  const { first, second } = await index.data(`{
    first: leaderboard(kind: CONTRIBUTORS, datanet: 1) { subject count }
    second: leaderboard(kind: CONTRIBUTORS, datanet: 2) { subject count } }`)
  for (const [author, count] of accepted) {
    const own = [...first, ...second].filter(({ subject }: { subject: string }) => subject === author)
    expect(own.reduce((sum, each) => sum + Number(each.count), 0)).toBe(count)
  }
})
