import { type Abi, decodeEventLog } from 'viem'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import { decodeConsent } from '../../protocol/datanets/consent.ts'
import { encodeList, type ListedItem, listedItemBytes } from '../../protocol/datanets/version-diff.ts'
import { contractEvent, datanetEvent, word } from '../fakes/datanet-events.ts'
import { address, type FakeLog } from '../fakes/indexed-chain.ts'
import { licence } from '../fakes/licences.ts'
import { Random } from '../fakes/random.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'

let world: IndexWorld
let index: TestIndex
beforeEach(async () => {
  world = await IndexWorld.start()
  index = world.open()
})
afterEach(() => world.stop())

const people = [address(1), address(2), address(3)]
const modelEvent = (name: string, values: Record<string, unknown>) =>
  contractEvent(loadArtifact('ModelRegistry').abi, openLedgerPredeploys.modelRegistry, name, values)

/** Business of some people in two Datanets, a log each, and entries of receipts that pay them. */
function business(random: Random) {
  const logs: FakeLog[] = []
  const state = new Map<bigint, { datanet: bigint; accepted: boolean; withdrawn: boolean }>()
  const versions = new Map<bigint, number>([
    [1n, 0],
    [2n, 0],
  ])
  for (const id of versions.keys()) {
    logs.push(
      datanetEvent('DatanetCreated', {
        id,
        owner: address(9),
        mediaType: 0,
        licenceId: licence('MIT'),
        metaHash: word('m'),
      }),
    )
  }
  let next = 1n
  let model = 0n
  for (let step = 0; step < 120; step++) {
    const datanet = random.pick([1n, 2n])
    const some = [...state].filter(([, each]) => each.datanet === datanet)
    const kind = random.int(10)
    if (kind < 5 || some.length === 0) {
      const values = { id: datanet, contribId: next, author: random.pick(people), consent: random.int(4_096), size: 3 }
      logs.push(
        datanetEvent('ContributionSubmitted', {
          ...values,
          contentHash: word(`text ${next}`),
          simHash: word('s'),
          bond: 1n,
          metaHash: word('c'),
        }),
      )
      state.set(next++, { datanet, accepted: false, withdrawn: false })
      continue
    }
    const [contribId, item] = random.pick(some)
    if (kind < 7 && !item.accepted && !item.withdrawn) {
      logs.push(datanetEvent('ContributionDecided', { contribId, accepted: true, score: 1, reason: zeroHash }))
      item.accepted = true
    } else if (kind === 7 && !item.withdrawn) {
      logs.push(datanetEvent('ConsentWithdrawn', { contribId, fromVersion: (versions.get(datanet) ?? 0) + 1 }))
      item.withdrawn = true
    } else if (kind === 8) {
      const list: ListedItem[] = some
        .filter(([, each]) => each.accepted && !each.withdrawn)
        .map(([id]) => ({ contribId: id, contentHash: word(`text ${id}`) }))
      if (list.length === 0) continue
      const version = (versions.get(datanet) ?? 0) + 1
      versions.set(datanet, version)
      const itemsRoot = world.content.putRecords(encodeList(list), listedItemBytes)
      logs.push(datanetEvent('VersionPublished', { id: datanet, version, itemsRoot }))
    } else if (kind === 9 && (versions.get(datanet) ?? 0) > 0) {
      model++
      logs.push(
        modelEvent('ModelRegistered', {
          id: model,
          owner: address(9),
          kind: 0,
          verifyClasses: 1,
          licenceId: licence('MIT'),
          royaltyHash: zeroHash,
        }),
      )
      logs.push(
        modelEvent('ModelTrainedOn', {
          id: model,
          datanet,
          version: 1 + random.int(versions.get(datanet) ?? 1),
          weightBps: 1,
        }),
      )
    }
  }
  return logs
}

type Args = Record<string, unknown>

/** The report, from the logs alone. */
function recomputed(
  logs: readonly FakeLog[],
  author: string,
  entries: readonly { contribution: number; amount: bigint }[],
) {
  const abi = [...loadArtifact('DatanetRegistry').abi, ...loadArtifact('ModelRegistry').abi] as unknown as Abi
  const events = logs.map(({ topics, data }) => {
    const { eventName, args } = decodeEventLog({ abi, topics: topics as [`0x${string}`], data })
    return { name: eventName, args: args as unknown as Args }
  })
  const of = (name: string) => events.filter((each) => each.name === name).map(({ args }) => args)
  return of('ContributionSubmitted')
    .filter((args) => String(args['author']).toLowerCase() === author)
    .map((args) => {
      const id = args['contribId'] as bigint
      const withdrawn = of('ConsentWithdrawn').find((each) => each['contribId'] === id)
      const accepted = of('ContributionDecided').some((each) => each['contribId'] === id)
      const versions = of('VersionPublished').filter((each) => {
        if (each['id'] !== args['id']) return false
        const list = world.content.getRecords(String(each['itemsRoot']), listedItemBytes) ?? new Uint8Array(0)
        return Array.from({ length: list.length / listedItemBytes }, (_, i) =>
          new DataView(list.buffer, list.byteOffset).getBigUint64(i * listedItemBytes),
        ).includes(id)
      })
      const numbers = versions.map((each) => Number(each['version']))
      const models = of('ModelTrainedOn').filter(
        (each) => each['datanet'] === args['id'] && numbers.includes(Number(each['version'])),
      )
      const paid = entries.filter(({ contribution }) => BigInt(contribution) === id)
      return {
        contribution: { id: String(id), status: withdrawn ? 'withdrawn' : accepted ? 'accepted' : 'pending' },
        consent: Object.entries(decodeConsent(Number(args['consent']))).map(([purpose, permission]) => ({
          purpose,
          permission,
        })),
        withdrawnFrom: withdrawn === undefined ? null : Number(withdrawn['fromVersion']),
        versions: numbers,
        models: [...new Set(models.map((each) => String(each['id'])))],
        receiptCount: paid.length,
        amount: String(paid.reduce((sum, { amount }) => sum + amount, 0n)),
      }
    })
}

const query = (person: string) => `{ subjectReport(address: "${person}") { unlistedVersions amount items {
  contribution { id status } consent { purpose permission } withdrawnFrom versions models receiptCount amount } } }`

test.each([1, 2, 3])('the report of a person is the same as from the events, business %i', async (seed) => {
  const random = new Random(seed)
  const logs = business(random)
  world.chain.mine(logs.map((log) => ({ logs: [log] })))
  await index.follow()
  const entries = paidEntries(random)
  for (const person of people) {
    const { data, errors } = await index.ask(query(person))
    expect(errors).toBeUndefined()
    const items = recomputed(logs, person, entries)
    expect(data.subjectReport.items).toEqual(items)
    expect(data.subjectReport.unlistedVersions).toEqual([])
    expect(data.subjectReport.amount).toBe(String(items.reduce((sum, { amount }) => sum + BigInt(amount), 0n)))
  }
})

test('a version whose list nobody has is named, not passed over', async () => {
  const created = datanetEvent('DatanetCreated', {
    id: 1n,
    owner: address(9),
    mediaType: 0,
    licenceId: licence('MIT'),
    metaHash: word('m'),
  })
  const submitted = datanetEvent('ContributionSubmitted', {
    id: 1n,
    contribId: 1n,
    author: people[0],
    contentHash: word('t'),
  })
  const published = datanetEvent('VersionPublished', { id: 1n, version: 1, itemsRoot: word('gone') })
  world.chain.mine([created, submitted, published].map((log) => ({ logs: [log] })))
  await index.follow()
  expect((await index.ask(query(people[0] ?? ''))).data.subjectReport.unlistedVersions).toEqual(['1.1'])
})

/** Receipts of two batches, the second one's first receipt void, with entries that pay contributions; those that count. */
function paidEntries(random: Random) {
  const { store } = index
  const counted: { contribution: number; amount: bigint }[] = []
  const fill = (table: string, values: Record<string, string | number>) => {
    const info = store.all(`select name, type, "notnull" as needed from pragma_table_info('${table}')`)
    const names = info
      .filter(({ name, needed }) => String(name) in values || needed === 1)
      .map(({ name }) => String(name))
    const row = names.map(
      (name) => values[name] ?? (info.find((each) => each['name'] === name)?.['type'] === 'integer' ? 0 : ''),
    )
    store.run(`insert into ${table} (${names.join()}) values (${names.map(() => '?').join()})`, ...row)
  }
  for (const batch of [1, 2]) {
    fill('receipt_batch', { key: batch, block: 1 })
    for (let receipt = 0; receipt < 5; receipt++) {
      const isVoid = batch === 2 && receipt === 0
      fill('receipt', { batch, idx: receipt, model: 1, request_id: word(`${batch}.${receipt}`) })
      if (isVoid) fill('void_receipt', { batch, receipt, block: 1 })
      for (let idx = 0; idx < 6; idx++) {
        const [contribution, amount] = [1 + random.int(40), BigInt(random.int(1_000)) * 10n ** 15n]
        fill('entry', { batch, receipt, idx, contribution, payee: address(1), amount: String(amount) })
        if (!isVoid) counted.push({ contribution, amount })
      }
    }
  }
  return counted
}
