import { beforeAll, describe, expect, test } from 'vitest'
import { encodeRow, encodeTable, type InfluenceTable } from '../../attribution/combined/influence-table.ts'
import { cutTable, type TableChallenge, type TableFacts, tableFault } from '../../attribution/combined/table-faults.ts'
import { itemTree, LeafTree } from '../../attribution/suffix/item-tree.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { bytesToBigint, bytesToHex, concatBytes, type Hex, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import type { ListedItem } from '../../protocol/datanets/version-diff.ts'
import { permissive } from '../fakes/licences.ts'
import { addressOf, type MoneyChain, open } from '../fakes/money-chain.ts'
import { MoneyWorld } from '../fakes/money-world.ts'
import { Random } from '../fakes/random.ts'
import { randomTable } from '../fakes/share-receipt.ts'
import { addingDiff, noRoots } from '../fakes/version-diff.ts'

const bond = 100n * open
const day = 86_400n
/** Of one dispute. */
const gasMax = 3_000_000
const contributions = 60n
/** No multiple of a word. */
const size = 41
const adapter: Hex = `0x${'ad'.repeat(32)}`

/** A chain with a model, and two Datanets with a version each. */
let chain: MoneyChain
let modelVersion: Hex
let model: Hex
let sources: { datanet: bigint; version: number }[]
/** Multiples of three, and every number from 31 to 45. */
const lists = [
  Array.from({ length: 13 }, (_, i) => BigInt(3 * (i + 1))),
  Array.from({ length: 15 }, (_, i) => BigInt(31 + i)),
].map((ids) => ids.map((contribId): ListedItem => ({ contribId, contentHash: bytesToHex(uintBytes(contribId, 32)) })))
const listed = [...new Set(lists.flatMap((list) => list.map(({ contribId }) => contribId)))].sort((a, b) =>
  Number(a - b),
)

beforeAll(async () => {
  const world = await MoneyWorld.create()
  chain = world.chain
  modelVersion = world.terms.modelVersion
  model = (await chain.read('ModelRegistry', 'modelRootOf', [modelVersion])) as Hex
  const owner = chain.actor('datanet owner')
  sources = []
  for (const items of lists) {
    await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, zeroHash, 0n, zeroHash])
    const datanet = (await chain.read('DatanetRegistry', 'datanetCount')) as bigint
    const roots = { ...noRoots, itemsRoot: itemTree(items).root }
    await chain.send(owner, 'DatanetRegistry', 'publish', [datanet, roots, addingDiff(items.length)])
    sources.push({ datanet, version: 1 })
  }
  const slot = loadArtifact('DatanetRegistry').storageLayout.find(({ label }) => label === 'contributionCount')
  if (slot === undefined) throw new Error('no slot')
  const { storage } = chain.evm.state.account(addressOf('DatanetRegistry'))
  const key = bytesToHex(uintBytes(slot.slot, 32))
  const word = bytesToBigint(storage.get(key) ?? new Uint8Array(1)) + (contributions << BigInt(8 * slot.offset))
  storage.set(key, uintBytes(word, 32))
  expect(await chain.read('DatanetRegistry', 'contributionCount')).toBe(contributions)
})

function honest(seed: number, ids = listed): InfluenceTable {
  const random = new Random(seed)
  const rows = ids.filter(() => random.chance(0.6))
  return { ...randomTable(random, rows.length > 1 ? rows : ids, size), base: model, adapter }
}

/** A table as it is registered, and what it says. */
type Told = { leaves: Uint8Array[]; size: number; rows: number }

function told(table: InfluenceTable): Told {
  const bytes = encodeTable(table)
  const head = bytes.length - table.rows.length * (9 + table.size)
  const leaves = [bytes.slice(0, head), ...table.rows.map((row) => encodeRow(row).slice())]
  return { leaves, size: table.size, rows: table.rows.length }
}

async function registered({ leaves, size: numbers, rows }: Told, of = sources, adapterRoot = adapter) {
  const shape = { root: new LeafTree(leaves).root, size: numbers, rows }
  const args = [modelVersion, adapterRoot, shape, of]
  await chain.send(chain.actor('model owner'), 'SketchRegistry', 'register', args, { value: bond })
  const items = of.map(({ datanet }) => lists[sources.findIndex((each) => each.datanet === datanet)])
  const facts: TableFacts = { shape, model, adapter: adapterRoot, contributions, sources: items }
  return { facts, place: [modelVersion, adapterRoot] as const }
}

/** Runs a test and takes the chain back. */
const tried = (name: string, act: () => Promise<void>) => test(name, () => chain.trial(act))

type Registered = Awaited<ReturnType<typeof registered>>

async function answer({ place }: Registered, { functionName, args }: TableChallenge): Promise<string> {
  const challenger = chain.actor('challenger')
  const failed = await chain
    .fails(challenger, 'SketchRegistry', functionName, [...place, ...args])
    .catch(() => undefined)
  return failed?.error ?? 'false'
}

type Lie = readonly [name: string, challenge: TableChallenge['functionName'], spoil: (told: Told) => void]

const set = (leaf: Uint8Array | undefined, at: number, ...bytes: number[]) => leaf?.set(bytes, at)
const put = ({ leaves }: Told, place: number, leaf: Uint8Array | undefined) => {
  leaves[place] = leaf as Uint8Array
}
const filled = (leaf: Uint8Array | undefined, value: number) => leaf?.fill(value, 9)
const shifted = (leaf: Uint8Array | undefined, value: number) => {
  filled(leaf, value)
  set(leaf, 8, 1)
}
const rowOf = (id: bigint) => concatBytes(uintBytes(id, 8), new Uint8Array(1 + size))

const lies: readonly Lie[] = [
  ['another magic', 'badTableLeaf', ({ leaves }) => set(leaves[0], 7, 0x32)],
  ['another model', 'badTableLeaf', ({ leaves }) => set(leaves[0], 39, 1)],
  ['another adapter', 'badTableLeaf', ({ leaves }) => set(leaves[0], 40, 1)],
  ['a fold that none has', 'badTableLeaf', ({ leaves }) => set(leaves[0], 111, 3)],
  ['a head of more rows', 'badTableLeaf', ({ leaves }) => set(leaves[0], 112, 1)],
  ['a head of other numbers', 'badTableLeaf', ({ leaves }) => set(leaves[0], 119, size + 1)],
  ['a head without its scales', 'badTableLeaf', (all) => put(all, 0, all.leaves[0]?.slice(0, 124))],
  ['a head of nothing', 'badTableLeaf', (all) => put(all, 0, new Uint8Array(0))],
  ['a head of no blocks', 'badTableLeaf', ({ leaves }) => set(leaves[0], 123, 0)],
  ['a scale below zero', 'badTableLeaf', ({ leaves }) => set(leaves[0], 124, 0xbf)],
  ['a scale without end', 'badTableLeaf', ({ leaves }) => set(leaves[0], 124, 0x7f, 0x80, 0, 0)],
  ['a scale that is no number', 'badTableLeaf', ({ leaves }) => set(leaves[0], 124, 0x7f, 0x80, 0, 1)],
  ['numbers fewer than a block has', 'badTableLeaf', spoilSize],
  ['a row too short', 'badTableLeaf', (all) => put(all, 2, all.leaves[2]?.slice(0, -1))],
  ['a row of nothing', 'badTableLeaf', (all) => put(all, 2, new Uint8Array(0))],
  ['a row too long', 'badTableLeaf', (all) => put(all, 2, concatBytes(all.leaves[2] as never, Uint8Array.of(0)))],
  ['a shift past the largest', 'badTableLeaf', ({ leaves }) => set(leaves[1], 8, 32)],
  ['−128 as the first number', 'badTableLeaf', ({ leaves }) => set(leaves[1], 9, 0x80)],
  ['−128 as the last number', 'badTableLeaf', ({ leaves }) => set(leaves[1], 9 + size - 1, 0x80)],
  ['a shift of numbers that need none', 'badTableLeaf', ({ leaves }) => shifted(leaves[1], 0xc1)],
  ['a shift of zeros', 'badTableLeaf', ({ leaves }) => shifted(leaves[1], 0)],
  ['contribution 0', 'badTableLeaf', ({ leaves }) => leaves[1]?.fill(0, 0, 8)],
  ['a contribution that there is none of', 'badTableLeaf', ({ leaves }) => leaves.at(-1)?.set(uintBytes(61n, 8))],
  ['rows out of order', 'badTableOrder', ({ leaves }) => leaves.splice(2, 2, ...leaves.slice(2, 4).reverse())],
  ['a contribution twice', 'badTableOrder', ({ leaves }) => leaves[2]?.set((leaves[1] as Uint8Array).subarray(0, 8))],
  ['a row more than it was registered with', 'badTableLeaf', ({ leaves }) => leaves.push(rowOf(59n))],
  ['a row fewer', 'absentTableLeaf', ({ leaves }) => void leaves.pop()],
  ['a head alone', 'badTableLeaf', ({ leaves }) => leaves.splice(1)],
  ['twice as many rows', 'badTableLeaf', ({ leaves }) => leaves.push(...leaves.map(() => rowOf(59n)))],
  ['a contribution before those of both lists', 'foreignTableRow', ({ leaves }) => leaves[1]?.set(uintBytes(1n, 8))],
  ['one between others', 'foreignTableRow', ({ leaves }) => leaves.splice(1, 2, rowOf(3n), rowOf(4n))],
  ['one behind those of both lists', 'foreignTableRow', ({ leaves }) => leaves.at(-1)?.set(uintBytes(46n, 8))],
]

function spoilSize(all: Told): void {
  const head = all.leaves[0]
  set(head, 119, 7)
  all.size = 7
  all.leaves = all.leaves.map((leaf, i) => (i === 0 ? leaf : leaf.slice(0, 16)))
}

describe('a lie in the form of a table of influences', () => {
  test.each(lies)('%s: proven by %s, half of the bond to who shows it, half burned', (_, name, spoil) =>
    chain.trial(async () => {
      const table = told(honest(5))
      spoil(table)
      const at = await registered(table)
      const { facts, place } = at
      const challenge = tableFault(table.leaves, facts)
      if (challenge === undefined) throw new Error('nothing is found')
      expect(challenge.functionName).toBe(name)
      const { now } = chain
      const [challenger, owner] = [chain.actor('challenger'), chain.actor('model owner')]
      const { events } = await chain.send(challenger, 'SketchRegistry', name, [...place, ...challenge.args])
      const told_ = events.find((event) => event.name === 'SketchesProvenFalse')
      expect(told_?.args).toMatchObject({ modelVersion, adapterRoot: adapter, reward: bond / 2n })
      const names = ['RewardWon', 'SketchesProvenFalse', 'LiquidityBurned', 'Burned']
      expect([events.map(({ name: event }) => event), chain.balance('SketchRegistry')]).toEqual([names, bond / 2n])
      const from = (now / day + 1n) * day
      expect(await chain.read('SketchRegistry', 'tableAt', [...place, from])).toMatchObject({ root: zeroHash })
      const again = await chain.fails(challenger, 'SketchRegistry', name, [...place, ...challenge.args])
      expect(again.error).toBe('AlreadyFalse')
      expect((await chain.fails(owner, 'SketchRegistry', 'retire', place)).error).toBe('AlreadyRetired')
      chain.advance(from + 100n * day - now)
      expect((await chain.fails(owner, 'SketchRegistry', 'returnBond', [...place, owner.address])).error).toBe('NoBond')
      const subject = told_?.args['subject']
      chain.advance(200n)
      expect(await chain.read('SketchRegistry', 'rewardOf', [subject])).toMatchObject({ amount: bond / 2n })
    }),
  )

  tried('what was committed while it was in force stays judged by it', async () => {
    const table = told(honest(5))
    set(table.leaves[1], 9, 0x80)
    const { facts, place } = await registered(table)
    chain.advance(3n * day)
    const challenge = tableFault(table.leaves, facts) as TableChallenge
    const { now } = chain
    await chain.send(chain.actor('challenger'), 'SketchRegistry', challenge.functionName, [...place, ...challenge.args])
    expect(await chain.read('SketchRegistry', 'tableAt', [...place, now])).toMatchObject({ root: facts.shape.root })
    const next = (now / day + 1n) * day
    expect(await chain.read('SketchRegistry', 'tableAt', [...place, next])).toMatchObject({ root: zeroHash })
  })
})

/** Every challenge that its leaves can be put to. */
function* accusations(leaves: readonly Uint8Array[], { shape, sources: items }: TableFacts): Generator<TableChallenge> {
  const tree = new LeafTree(leaves)
  const shown = (place: number) => ({
    ...{ place, leaf: bytesToHex(leaves[place] as Uint8Array), siblings: tree.siblings(place) },
  })
  for (const place of leaves.keys()) {
    yield { functionName: 'badTableLeaf', args: [shown(place)] }
    if (place + 1 < leaves.length) yield { functionName: 'badTableOrder', args: [shown(place), shown(place + 1)] }
    if (place > 1) yield { functionName: 'badTableOrder', args: [shown(place), shown(1)] }
    if (place === 0) continue
    const near = items.map((list = []) => [list.length - 1, 0].map((i) => itemAt(list, i)))
    for (const some of [
      near,
      near.map((pair) => pair.slice(0, 1)),
      near.map((pair) => pair.slice(1)),
      near.map(() => []),
    ]) {
      yield { functionName: 'foreignTableRow', args: [shown(place), some] }
    }
  }
  for (let place = shape.rows + 1; place < tree.width; place++) {
    yield { functionName: 'absentTableLeaf', args: [place, tree.siblings(place)] }
  }
}

function itemAt(list: readonly ListedItem[], place: number) {
  return { place, ...(list[place] as ListedItem), siblings: itemTree(list).siblings(place) }
}

describe('honest tables of influences', () => {
  test('are found right, and no opening of them shows a fault', async () => {
    for (let seed = 20; seed < 23; seed++) {
      const table = told(honest(seed, listed.slice(0, 9)))
      await chain.trial(async () => {
        const at = await registered(table, sources, seed === 21 ? zeroHash : adapter)
        expect(tableFault(table.leaves, at.facts), `seed ${seed}`).toBeUndefined()
        for (const challenge of accusations(table.leaves, at.facts)) {
          const refused = ['NoFault', 'NotNeighbours', 'NotDecided', 'WrongSources']
          expect(refused, `${seed} ${challenge.functionName}`).toContain(await answer(at, challenge))
        }
      })
    }
  })

  test('are found again in their files, those of false ones too', () => {
    const right = told(honest(6))
    for (const spoil of [(): void => {}, ...lies.map(([, , change]) => change)]) {
      const table: Told = { ...right, leaves: right.leaves.map((leaf) => leaf.slice()) }
      spoil(table)
      const shape = { root: new LeafTree(table.leaves).root, size: table.size, rows: table.rows }
      const found = cutTable(concatBytes(...table.leaves), shape)
      // A leaf of an odd length stands nowhere in a file.
      const isOdd = new Set(table.leaves.slice(1).map(({ length }) => length)).size > 1
      expect(found === undefined).toBe(isOdd)
      if (found !== undefined) expect(found).toEqual(table.leaves)
    }
  })

  tried('name versions that there are, at most eight', async () => {
    const owner = chain.actor('model owner')
    const { leaves, rows } = told(honest(5))
    const shape = { root: new LeafTree(leaves).root, size, rows }
    const refusal = async (of: readonly unknown[]) =>
      (await chain.fails(owner, 'SketchRegistry', 'register', [modelVersion, adapter, shape, of], { value: bond }))
        .error
    expect(await refusal([{ datanet: sources[0]?.datanet, version: 2 }])).toBe('UnknownSource')
    expect(await refusal(Array.from({ length: 9 }, () => sources[0]))).toBe('TooManySources')
  })

  test('nobody registered are challenged by nobody', async () => {
    const { leaves } = told(honest(5))
    const shown = { place: 0, leaf: bytesToHex(leaves[0] as Uint8Array), siblings: [] }
    const { error } = await chain.fails(chain.actor('challenger'), 'SketchRegistry', 'badTableLeaf', [
      ...[modelVersion, adapter, shown],
    ])
    expect(error).toBe('UnknownTable')
  })
})

test('whatever bytes stand in a table, what the watcher finds the chain finds, and nothing else', async () => {
  const seen = new Set<string>()
  for (let seed = 100; seed < 114; seed++) {
    const random = new Random(seed)
    const table = told(honest(seed, listed.slice(0, 5)))
    const edges = [0, 1, 31, 32, 63, 64, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xc1, 0xff]
    for (let i = random.int(3); i > 0; i--) {
      const leaf = random.pick(table.leaves)
      const at = random.chance(0.5) ? random.int(leaf.length) : random.pick([7, 8, 9, leaf.length - 1])
      leaf[at] = random.pick(edges)
    }
    if (random.chance(0.2)) filled(table.leaves[1], random.pick(edges))
    await chain.trial(async () => {
      const at = await registered(table, random.chance(0.8) ? sources : sources.slice(0, 1))
      const challenge = tableFault(table.leaves, at.facts)
      seen.add(challenge?.functionName ?? 'right')
      if (challenge === undefined) {
        for (const each of accusations(table.leaves, at.facts))
          expect(await answer(at, each), `seed ${seed}`).not.toBe('false')
      } else expect(await answer(at, challenge), `seed ${seed}`).toBe('false')
    })
  }
  expect([...seen]).toEqual(expect.arrayContaining(['right', 'badTableLeaf']))
})

describe('the dearest challenge stays below what a dispute may cost', () => {
  const wide = () => told({ ...randomTable(new Random(3), listed.slice(0, 4), 16_384), base: model, adapter })

  async function gasOf(table: Told): Promise<[string, number]> {
    const at = await registered(table)
    const { functionName, args } = tableFault(table.leaves, at.facts) as TableChallenge
    const shown = [...at.place, ...args]
    const { gas } = await chain.send(chain.actor('challenger'), 'SketchRegistry', functionName, shown)
    return [functionName, Number(gas)]
  }

  tried('of one row', async () => {
    const table = wide()
    set(table.leaves[2], 9 + 16_383, 0x80)
    const [name, gas] = await gasOf(table)
    expect([name, gas < gasMax]).toEqual(['badTableLeaf', true])
  })

  tried('of two', async () => {
    const table = wide()
    table.leaves[2]?.set((table.leaves[1] as Uint8Array).subarray(0, 8))
    const [name, gas] = await gasOf(table)
    expect([name, gas < gasMax]).toEqual(['badTableOrder', true])
  })
})
