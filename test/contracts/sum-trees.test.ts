import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type GenesisEvm, RevertError, type Target } from '../../genesis/genesis-evm.ts'
import { bytesToBigint, bytesToHex, concatBytes, equalBytes, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { type Payout, payoutRow } from '../../protocol/payout-epoch.ts'
import { addSums, parentRow, SumTree, sumRow, sumTreeRoot } from '../../protocol/sum-tree.ts'
import * as arbitrary from '../fakes/arbitrary-money.ts'
import { deploy, emptyChain } from './chain.ts'

let evm: GenesisEvm
let harness: Target

beforeAll(async () => {
  evm = await emptyChain()
  harness = await deploy(evm, 'MoneyHarness', `0x${'5f'.repeat(20)}`)
})

type Opening = { root: Uint8Array; n: number; index: number; row: Uint8Array; siblings: Uint8Array[] }
type Opened = { prefix: Hex; totals: Hex }

/** What the contract says: the sums, or the name of its error. */
async function open({ root, n, index, row, siblings }: Opening): Promise<Opened | string> {
  const args = [bytesToHex(root), n, index, bytesToHex(row), bytesToHex(concatBytes(...siblings))]
  try {
    const [prefix, totals] = (await evm.call(harness, 'open', args)) as [Hex, Hex]
    return { prefix, totals }
  } catch (error) {
    if (!(error instanceof RevertError)) throw error
    return /(IndexOutOfRange|WrongSiblings|NotInTree)/.exec(error.message)?.[1] ?? error.message
  }
}

/** The same by protocol/sum-tree.ts. */
function reference({ root, n, index, row, siblings }: Opening): Opened | string {
  if (index >= n || n >= 2 ** 32) return 'IndexOutOfRange'
  const depth = Math.ceil(Math.log2(n))
  if (siblings.length !== depth || siblings.some(({ length }) => length !== row.length)) return 'WrongSiblings'
  let prefix: Uint8Array = new Uint8Array(row.length - 32)
  let top: Uint8Array = row
  for (const [level, sibling] of siblings.entries()) {
    const isRight = Math.floor(index / 2 ** level) % 2 === 1
    const above = isRight ? parentRow(sibling, top) : parentRow(top, sibling)
    if (above === undefined) return 'NotInTree'
    if (isRight) prefix = addSums(prefix, sibling.subarray(32)) ?? prefix
    top = above
  }
  if (!equalBytes(sumTreeRoot(n, top), root)) return 'NotInTree'
  return { prefix: bytesToHex(prefix), totals: bytesToHex(top.subarray(32)) }
}

/** Trees of up to 70 leaves of 1 to 11 sums that fit, and one of their leaves. */
const honest: fc.Arbitrary<Opening> = fc
  .record({ sums: fc.integer({ min: 1, max: 11 }), n: fc.integer({ min: 1, max: 70 }), at: fc.nat() })
  .chain(({ sums, n, at }) => {
    const sum = fc.oneof(fc.bigInt(0n, 9n), fc.bigInt(0n, (1n << 121n) - 1n))
    const row = fc
      .tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.array(sum, { minLength: sums, maxLength: sums }))
      .map(([hash, values]) => sumRow(hash, values))
    return fc.array(row, { minLength: n, maxLength: n }).map((rows) => {
      const tree = new SumTree(rows)
      const index = at % n
      return { root: tree.root, n, index, row: rows[index] ?? new Uint8Array(), siblings: tree.siblings(index) }
    })
  })

const flip = (bytes: Uint8Array, at: number, bits: number) =>
  bytes.map((byte, i) => (i === at % bytes.length ? byte ^ bits : byte))

/** One thing wrong with an opening. */
const corruptions: Record<string, (honest: Opening, at: number, bits: number) => Opening> = {
  'a byte of a sibling': (opening, at, bits) => ({
    ...opening,
    siblings: opening.siblings.map((row, i) => (i === at % opening.siblings.length ? flip(row, at >> 8, bits) : row)),
  }),
  'a byte of the leaf': (opening, at, bits) => ({ ...opening, row: flip(opening.row, at, bits) }),
  'a byte of the root': (opening, at, bits) => ({ ...opening, root: flip(opening.root, at, bits) }),
  'another index': (opening, at) => ({ ...opening, index: (opening.index + 1 + at) % (2 * opening.n) }),
  'an index far behind the end': (opening, at) => ({ ...opening, index: opening.n + (at % 2 ** 20) }),
  'the same leaf one depth of the tree further': (opening) => ({
    ...opening,
    index: opening.index + 2 ** opening.siblings.length,
  }),
  'another n': (opening, at) => ({ ...opening, n: 1 + (at % (2 * opening.n)) }),
  'an n of which the root holds the last 32 bits': (opening) => ({ ...opening, n: opening.n + 2 ** 32 }),
  'no leaves': (opening) => ({ ...opening, n: 0 }),
  'a sibling less': (opening) => ({ ...opening, siblings: opening.siblings.slice(1) }),
  'a sibling more': (opening) => ({ ...opening, siblings: [...opening.siblings, opening.row] }),
  'two siblings exchanged': ({ siblings: [first, second, ...rest], ...opening }) => ({
    ...opening,
    siblings: [second, first, ...rest].filter((row) => row !== undefined),
  }),
  'a sibling cut short': (opening) => ({
    ...opening,
    siblings: opening.siblings.map((row, i) => (i === 0 ? row.subarray(1) : row)),
  }),
  'a sum moved from the leaf to its neighbour': ({ row, siblings: [first, ...rest], ...opening }) => {
    const one = concatBytes(new Uint8Array(15), Uint8Array.of(1))
    const sum = first === undefined ? undefined : addSums(first.subarray(32, 48), one)
    if (first === undefined || sum === undefined) return { ...opening, row, siblings: [] }
    return { ...opening, row, siblings: [concatBytes(first.subarray(0, 32), sum, first.subarray(48)), ...rest] }
  },
}

describe('one leaf of a sum tree', () => {
  test('opens, with the sums before it and those of the whole', async () => {
    await fc.assert(
      fc.asyncProperty(honest, async (opening) => {
        const expected = reference(opening)
        expect(expected).toBeTypeOf('object')
        expect(await open(opening)).toEqual(expected)
      }),
      { numRuns: 150 },
    )
  })

  test.each(Object.entries(corruptions))('does not open with %s', async (_, corrupt) => {
    await fc.assert(
      fc.asyncProperty(honest, fc.nat(), fc.integer({ min: 1, max: 255 }), async (opening, at, bits) => {
        const corrupted = corrupt(opening, at, bits)
        const expected = reference(corrupted)
        expect(await open(corrupted)).toEqual(expected)
        const same = corrupted.n === opening.n && corrupted.index === opening.index
        const sameRows = equalBytes(concatBytes(...opening.siblings), concatBytes(...corrupted.siblings))
        const untouched = same && sameRows && equalBytes(corrupted.row, opening.row)
        if (!(untouched && equalBytes(corrupted.root, opening.root))) expect(expected).toBeTypeOf('string')
      }),
      { numRuns: 100 },
    )
  })

  test('does not open where a sum on the way up overflows, even under the root of the wrapped sums', async () => {
    const max = (1n << 128n) - 1n
    const columns = fc.integer({ min: 1, max: 5 })
    await fc.assert(
      fc.asyncProperty(columns, fc.nat(), fc.boolean(), async (sums, at, isRight) => {
        const high = Array.from({ length: sums }, (_, i) => (i === at % sums ? max : 0n))
        const low = high.map((sum) => sum & 1n)
        const [left, right] = [sumRow(new Uint8Array(32).fill(7), high), sumRow(new Uint8Array(32).fill(8), low)]
        const hash = keccak256(concatBytes(Uint8Array.of(1), left, right))
        const wrapped = sumRow(hash, new Array<bigint>(sums).fill(0n))
        const opening = { root: sumTreeRoot(2, wrapped), n: 2, index: isRight ? 1 : 0 }
        const rows = isRight ? { row: right, siblings: [left] } : { row: left, siblings: [right] }
        expect(await open({ ...opening, ...rows })).toBe('NotInTree')
        expect(reference({ ...opening, ...rows })).toBe('NotInTree')
      }),
      { numRuns: 40 },
    )
  })
})

describe('a root', () => {
  const isRoot = (root: Uint8Array, n: number, sums: Uint8Array, topHash: Uint8Array) =>
    evm.call(harness, 'isRoot', [bytesToHex(root), n, bytesToHex(sums), bytesToHex(topHash)])

  test('opens to its count, sums and top hash, and to no other', async () => {
    await fc.assert(
      fc.asyncProperty(honest, fc.nat(), async (opening, at) => {
        const found = reference(opening)
        if (typeof found === 'string') throw new Error(found)
        const sums = hexToBytes(found.totals)
        const top = topHashOf(opening)
        const { root, n } = opening
        expect(await isRoot(root, n, sums, top)).toBe(true)
        for (const place of [0, at % (sums.length / 16)]) {
          const sum = bytesToBigint(sums.subarray(16 * place, 16 * place + 16))
          expect(await evm.call(harness, 'sumAt', [found.totals, place])).toBe(sum)
        }
        expect(await isRoot(root, n + 2 ** 32, sums, top)).toBe(false)
        expect(await isRoot(root, n + 1, sums, top)).toBe(false)
        expect(await isRoot(root, n, flip(sums, at, 1), top)).toBe(false)
        expect(await isRoot(root, n, sums, flip(top, at, 1))).toBe(false)
        expect(await isRoot(root, 0, sums, top)).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  function topHashOf({ index, row, siblings }: Opening): Uint8Array {
    let top: Uint8Array = row
    for (const [level, sibling] of siblings.entries()) {
      top = (Math.floor(index / 2 ** level) % 2 === 1 ? parentRow(sibling, top) : parentRow(top, sibling)) ?? top
    }
    return top.subarray(0, 32)
  }
})

describe('a payout', () => {
  /** The vault opens payouts by a shorter way, which must not differ. */
  const opens = (payout: Payout, { root, n, index, siblings }: Opening) =>
    evm.call(harness, 'payoutOpens', [bytesToHex(root), n, { ...payout, index }, bytesToHex(concatBytes(...siblings))])
  const claims = fc
    .array(arbitrary.payout, { minLength: 1, maxLength: 40 })
    .chain((payouts) => fc.record({ payouts: fc.constant(payouts), at: fc.nat(payouts.length - 1), free: fc.nat() }))

  function openingOf(payouts: readonly Payout[], index: number): Opening {
    const rows = payouts.map((payout, i) => payoutRow(i, payout))
    const tree = new SumTree(rows)
    return {
      root: tree.root,
      n: rows.length,
      index,
      row: rows[index] ?? new Uint8Array(),
      siblings: tree.siblings(index),
    }
  }

  test('opens for the vault where it opens for everyone, and nowhere else', async () => {
    const fitting = claims.map(({ payouts, ...rest }) => ({
      ...rest,
      payouts: payouts.map(({ payee, cumulative }) => ({ payee, cumulative: cumulative >> 6n })),
    }))
    const wrong = fc.constantFrom(undefined, ...Object.values(corruptions))
    let opened = 0
    await fc.assert(
      fc.asyncProperty(
        fitting,
        wrong,
        fc.integer({ min: 1, max: 255 }),
        async ({ payouts, at, free }, corrupt, bits) => {
          const [payout, opening] = [payouts[at], openingOf(payouts, at)]
          if (payout === undefined) throw new Error('at is one of the payouts')
          const tried = corrupt?.(opening, free, bits) ?? opening
          fc.pre(tried.n < 2 ** 32 && tried.index < 2 ** 32)
          // The vault makes the row itself, of the payout and the index it is given.
          const expected = reference({ ...tried, row: payoutRow(tried.index, payout) })
          if (corrupt === undefined) expect(expected).toBeTypeOf('object')
          if (typeof expected === 'object') opened++
          expect(await opens(payout, tried)).toBe(typeof expected === 'object')
        },
      ),
      { numRuns: 200 },
    )
    expect(opened).toBeGreaterThan(5)
  })

  test('does not open under a root whose sums wrapped', async () => {
    const max = (1n << 128n) - 1n
    const [payout, sibling] = [
      { payee: `0x${'01'.repeat(20)}` as const, cumulative: 1n },
      sumRow(new Uint8Array(32), [max]),
    ]
    const row = payoutRow(0, payout)
    const wrapped = sumRow(keccak256(concatBytes(Uint8Array.of(1), row, sibling)), [0n])
    const opening = { root: sumTreeRoot(2, wrapped), n: 2, index: 0, row, siblings: [sibling] }
    expect(await opens(payout, opening)).toBe(false)
    expect(await open(opening)).toBe('NotInTree')
  })
})
