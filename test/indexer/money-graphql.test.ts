import { buildSchema, type GraphQLObjectType, getNamedType, isLeafType, isNonNullType, isObjectType } from 'graphql'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IndexEvents } from '../../indexer/graphql/events.ts'
import { schemaText } from '../../indexer/graphql/server.ts'
import { Subscription } from '../../indexer/graphql/types/subscription.ts'
import { FiledWorld } from '../fakes/filed-world.ts'
import type { Plan } from '../fakes/money-batch.ts'
import { MoneyFuzz } from '../fakes/money-fuzz.ts'
import { unitsOf } from '../fakes/money-world.ts'
import { Random } from '../fakes/random.ts'
import { stake } from '../fakes/standing-model.ts'
import { IndexWorld, type TestIndex } from '../fakes/test-index.ts'

const steps = 600

let world: IndexWorld
let index: TestIndex
let money: FiledWorld

beforeAll(async () => {
  world = await IndexWorld.start()
  money = await FiledWorld.watchedBy(world)
  // The batches of the fuzz have no files; those before and behind it have.
  const [worker, payer] = [money.chain.actor('worker'), money.chain.actor('payer')]
  await money.deposit(payer, worker, 10n ** 18n)
  await stake(money.chain, worker)
  const commit = async (...plans: readonly Plan[]) => (await money.commit(worker, money.build(worker, plans))).batch
  for (let epoch = 0; epoch < 3; epoch++) {
    const heirs = Array.from({ length: 4 }, (_, i) => ({
      ...unitsOf(BigInt(i + 1)),
      payee: money.chain.actor(`heir ${i}`).address,
      weight: 250_000,
    }))
    const plans = [money.plan(payer, worker, 3, 4), money.plan(payer, worker, 30, 40, heirs)]
    await money.claim(worker, await money.settle([await commit(...plans)]))
  }
  const fuzz = await MoneyFuzz.create(new Random(11), money)
  for (let i = 0; i < steps; i++) await fuzz.step()
  await commit(money.plan(payer, worker))
  money.show()
  index = world.open()
  await index.follow()
  await index.fetchFiles()
}, 300_000)

afterAll(() => world.stop())

const schema = buildSchema(schemaText)
const query = schema.getQueryType() as GraphQLObjectType

/** All of a type's leaves, and below it `depth` levels of objects and short lists. */
function selection(type: GraphQLObjectType, depth: number): string {
  const fields = Object.values(type.getFields()).flatMap((field): string[] => {
    if (field.args.some((arg) => isNonNullType(arg.type))) return []
    const named = getNamedType(field.type)
    if (isLeafType(named)) return [field.name]
    if (!isObjectType(named) || depth === 0) return []
    return [`${field.name}${connectionOf(named, depth - 1, 2)}`]
  })
  return `{ __typename ${fields.join(' ')} }`
}

/** A selection behind a field: of a list `first` nodes. */
function connectionOf(type: GraphQLObjectType, depth: number, first: number): string {
  const { nodes } = type.getFields()
  const node = nodes && getNamedType(nodes.type)
  if (!isObjectType(node)) return ` ${selection(type, depth)}`
  return `(first: ${first}) { totalCount nodes ${selection(node, depth)} pageInfo { endCursor } }`
}

/** Roots that list something of money. */
const lists = Object.values(query.getFields())
  .filter(({ type }) => getNamedType(type).name.endsWith('Connection'))
  .map(({ name, type }) => [name, getNamedType(type) as GraphQLObjectType] as const)

const ask = (name: string, type: GraphQLObjectType, first: number) =>
  index.ask(`{ ${name}${connectionOf(type, 2, first)} }`)

async function statements(action: () => Promise<unknown>): Promise<number> {
  const { store } = index
  const { all, get } = store
  let count = 0
  store.all = (...args) => {
    count++
    return all.apply(store, args)
  }
  store.get = (...args) => {
    count++
    return get.apply(store, args)
  }
  try {
    await action()
    return count
  } finally {
    Object.assign(store, { all, get })
  }
}

describe('every field of every type', () => {
  test.each(lists)('%s: two levels below the root are answered without an error', async (name, type) => {
    const { data, errors } = await ask(name, type, 3)
    expect(errors).toBeUndefined()
    expect(Array.isArray(data[name].nodes)).toBe(true)
  })

  test('random business left something in most lists', async () => {
    const empty: string[] = []
    for (const [name] of lists) {
      const { data } = await index.ask(`{ ${name} { totalCount } }`)
      if (data[name].totalCount === 0) empty.push(name)
    }
    const rare = [
      'attributionLabels',
      'contributions',
      'attributionRules',
      'codes',
      'evidences',
      'heartbeats',
      'requests',
      'declarations',
      'textIndexes',
      'evidenceDemands',
      'traceDemands',
      // Tests of their own, in this folder: units.test.ts, agents.test.ts, reviews, committee and governance.
      ...['unitProposals', 'accessRequests', 'accessGrants'],
      ...['agents', 'trails', 'agentSlashes', 'grants', 'milestones'],
      ...['validators', 'reviewRounds', 'reviewVotes', 'itemDisputes', 'sharedLabels', 'signatureProofs'],
      ...['signatureDemands', 'committeeMembers', 'committeeCases', 'committeeSeats', 'fingerprintDemands'],
      ...['governanceProposals', 'governanceVotes', 'gopenHolders', 'timelockOperations', 'stakes', 'feeDisbursements'],
      ...['shownSignatures', 'sketchTables'],
    ]
    expect(empty.filter((name) => !rare.includes(name))).toEqual([])
  })
})

test.each([
  'batches',
  'epochs',
  'credits',
  'claims',
  'channels',
  'demands',
  'disputes',
  'pools',
  'slashes',
  'receipts',
])('the number of statements does not grow with the %s shown', async (name) => {
  const type = getNamedType(query.getFields()[name]?.type ?? query) as GraphQLObjectType
  const shallow = (first: number) => index.ask(`{ ${name}${connectionOf(type, 1, first)} }`)
  const { data } = await shallow(12)
  expect(data[name].nodes.length).toBeGreaterThan(1)
  const [few, many] = [await statements(() => shallow(2)), await statements(() => shallow(12))]
  expect(many).toBeLessThanOrEqual(few)
})

test('payees of one page are read together', async () => {
  const fields = 'earned pending claimed claimable recipient claim { amount } credits(first: 2) { nodes { amount } }'
  const page = (first: number) => index.ask(`{ payees(first: ${first}) { nodes { address ${fields} } } }`)
  const { data, errors } = await page(6)
  expect(errors).toBeUndefined()
  expect(data.payees.nodes.length).toBeGreaterThan(4)
  const ofMorePayees = (await statements(() => page(6))) - (await statements(() => page(2)))
  // The next income of the pools among them, together.
  expect(ofMorePayees).toBeLessThanOrEqual(1)
})

test('the past is answered as it was when it was the head, for every list', async () => {
  const half = world.chain.head.number >> 1
  const early = world.open('early')
  const catchUp = world.chain.lagTo(half)
  await early.follow()
  await early.fetchFiles()
  catchUp()
  for (const [name, type] of lists) {
    const of = (block: string) => {
      const node = getNamedType(type.getFields()['nodes']?.type ?? type) as GraphQLObjectType
      return `{ ${name}(first: 20, block: ${block}) { totalCount nodes ${selection(node, 0)} } }`
    }
    const then = await index.ask(of(`{ number: ${half} }`))
    expect(then.errors).toBeUndefined()
    expect(then).toEqual(await early.ask(of('null')))
  }
  world.close(early)
}, 60_000)

test.each(['batches', 'epochs', 'claims', 'disputes'] as const)(
  'subscribers get the %s of each new block, and nothing of one that is gone',
  async (name) => {
    const { store } = index
    const column = { batches: 'receipt_batch', epochs: 'epoch', claims: 'claim', disputes: 'dispute' }[name]
    const number = Number(store.get(`select max(block) as block from ${column}`)?.['block'])
    const events = new IndexEvents()
    // Only these two are read.
    const context = { events, store } as Parameters<typeof Subscription.chain.subscribe>[2]
    const items = Subscription[name].subscribe(undefined, {}, context)
    events.publish({ kind: 'block', number, hash: '0xgone' })
    events.publish({ kind: 'block', number, hash: store.blockHash(number) ?? '' })
    const { value } = await items.next()
    expect(Object.values(value[name].row)).toContain(number)
    await items.return?.()
  },
)

test('claims of a payee are told to who asked for that payee alone', async () => {
  const { store } = index
  const claim = store.get('select * from claim order by block limit 1')
  const number = Number(claim?.['block'])
  const told = async (payee: string) => {
    const events = new IndexEvents()
    const context = { events, store } as Parameters<typeof Subscription.chain.subscribe>[2]
    const items = Subscription.claims.subscribe(undefined, { payee }, context)
    events.publish({ kind: 'block', number, hash: store.blockHash(number) ?? '' })
    const next = items.next()
    events.stop()
    return (await next).value?.claims.row
  }
  expect(await told(String(claim?.['payee']))).toEqual(claim)
  expect(await told(`0x${'77'.repeat(20)}`)).toBeUndefined()
})
