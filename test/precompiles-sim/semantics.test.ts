import { type Abi, decodeFunctionResult, encodeFunctionData } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadArtifact } from '../../contracts/artifact.ts'
import { splitProRata } from '../../precompiles-sim/pro-rata.ts'
import { precompiles } from '../../precompiles-sim/table.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { SumTree } from '../../protocol/sum-tree.ts'
import { spanProofArgs, suffixArray } from '../fakes/precompile-calls.ts'
import { Random } from '../fakes/random.ts'
import { TwinEvms } from '../fakes/twin-evms.ts'

const registry: Hex = '0x4f4c000000000000000000000000000000000002'

let evms: TwinEvms
beforeAll(async () => {
  evms = await TwinEvms.create()
})

/** What the bytecode answers; the twin has to agree. */
async function ask(
  name: string,
  functionName: string,
  args: readonly unknown[],
  caller: Hex = registry,
): Promise<unknown> {
  const abi = loadArtifact(name).abi as Abi
  const to = precompiles.find((precompile) => precompile.name === name)?.address ?? '0x'
  const data = hexToBytes(encodeFunctionData({ abi, functionName, args }))
  const { bytecode, native } = await evms.call({ to, data, caller })
  expect(native.output).toEqual(bytecode.output)
  if (bytecode.error !== undefined) throw new Error(`${functionName}: ${bytesToHex(bytecode.output)}`)
  return decodeFunctionResult({ abi, functionName, data: bytesToHex(bytecode.output) })
}

describe('ProRata', () => {
  test('splits as the golden vector of the fee formula', async () => {
    const amounts = [507_428_571_428_571n, 507_428_571_428_571n, 507_428_571_428_571n, 2_029_714_285_714_285n]
    expect(await ask('ProRata', 'split', [3_552_000_000_000_000n, [1n, 1n, 1n, 4n]])).toEqual([amounts, 2n])
  })

  test('nothing is made or lost, and dust is less than the number of parts', () => {
    const random = new Random(7)
    for (let i = 0; i < 5_000; i++) {
      const pool = random.big(256)
      const weights = random.list(1 + random.int(20), () => random.big(64) + 1n)
      const split = splitProRata(pool, weights)
      const sum = split?.amounts.reduce((a, b) => a + b, 0n) ?? 0n
      expect(sum + (split?.dust ?? 0n)).toBe(pool)
      expect(split?.dust).toBeLessThan(BigInt(weights.length))
    }
  })
})

describe('MerkleSum', () => {
  const leavesOf = (n: number) =>
    Array.from({ length: n }, (_, i) => concatBytes(uintBytes(i + 1, 32), uintBytes(10 + i, 16)))

  test('every run of leaves of every small tree is proven, with the sum of what stands before it', async () => {
    for (let n = 1; n <= 9; n++) {
      const leaves = leavesOf(n)
      const tree = new SumTree(leaves)
      for (let start = 0; start < n; start++) {
        for (let count = 1; start + count <= n; count++) {
          const before = Array.from({ length: start }, (_, i) => 10 + i).reduce((a, b) => a + b, 0)
          const proof = [
            bytesToHex(concatBytes(...leaves.slice(start, start + count))),
            bytesToHex(concatBytes(...tree.siblings(start, count))),
          ]
          const result = await ask('MerkleSum', 'verify', [
            bytesToHex(tree.root),
            n,
            start,
            bytesToHex(tree.totals),
            ...proof,
          ])
          expect(result).toEqual([true, bytesToHex(uintBytes(before, 16))])
        }
      }
    }
  })

  test('an index at or beyond n, another n, another total, another sum in a sibling: refused', async () => {
    const leaves = leavesOf(5)
    const tree = new SumTree(leaves)
    const [root, totals, leaf] = [
      bytesToHex(tree.root),
      bytesToHex(tree.totals),
      bytesToHex(leaves[4] ?? new Uint8Array(0)),
    ]
    const siblings = tree.siblings(4)
    const proof = bytesToHex(concatBytes(...siblings))
    const zero = bytesToHex(new Uint8Array(16))
    const verify = (args: readonly unknown[]) => ask('MerkleSum', 'verify', args)
    expect(await verify([root, 5, 4, totals, leaf, proof])).toEqual([true, bytesToHex(uintBytes(46, 16))])
    // The absent leaf at index 5 has a place in the tree, but is no leaf.
    const absent = bytesToHex(new Uint8Array(48))
    const aside = bytesToHex(concatBytes(leaves[4] ?? new Uint8Array(0), ...siblings.slice(1)))
    expect(await verify([root, 5, 5, totals, absent, aside])).toEqual([false, zero])
    expect(await verify([root, 6, 4, totals, leaf, proof])).toEqual([false, zero])
    expect(await verify([root, 5, 4, bytesToHex(uintBytes(61, 16)), leaf, proof])).toEqual([false, zero])
    const shifted = siblings.map((row) => concatBytes(row.subarray(0, 47), Uint8Array.of((row[47] ?? 0) ^ 1)))
    expect(await verify([root, 5, 4, totals, leaf, bytesToHex(concatBytes(...shifted))])).toEqual([false, zero])
  })
})

describe('SpanProof', () => {
  const text = [3, 1, 2, 0xffff_ffff, 1, 2, 1, 2, 0xffff_ffff, 2]

  test.each([
    { query: [1, 2], count: 3 },
    { query: [2], count: 4 },
    { query: [1, 2, 1], count: 1 },
    { query: [9], count: 0 },
    { query: [2, 2], count: 0 },
  ])('$query stands $count times, and at no other number', async ({ query, count }) => {
    const prove = (lo: number, hi: number) => ask('SpanProof', 'prove', spanProofArgs(text, query, lo, hi))
    let proven = 0
    for (let lo = 0; lo <= text.length; lo++) {
      for (let hi = lo; hi <= text.length; hi++) {
        const [ok, shown] = (await prove(lo, hi)) as [boolean, number]
        if (!ok) continue
        proven++
        expect(shown).toBe(count)
      }
    }
    expect(proven).toBe(1)
  })

  test('a span never crosses a separator', () => {
    expect(suffixArray(text).slice(0, 2)).toEqual([3, 8])
  })
})

describe('RoyaltyGraph', () => {
  test('a diamond pays an absolute share once an edge, and a relative one of what its child got', async () => {
    const draw = (child: number, parent: number, bps: number, policy: number) =>
      ask('RoyaltyGraph', 'setEdge', [BigInt(child), BigInt(parent), bps, policy])
    await draw(2, 1, 500, 0)
    await draw(3, 1, 2_000, 1)
    await draw(4, 2, 1_000, 0)
    await draw(4, 3, 1_000, 1)
    // Of 4's revenue: 2 and 3 get 10 % each; 1 gets 5 % of all by 2, and a fifth of 3's.
    expect(await ask('RoyaltyGraph', 'flatten', [4n, 32n])).toEqual([
      [3n, 2n, 1n],
      [800, 1_000, 700],
    ])
    expect(await ask('RoyaltyGraph', 'ancestors', [4n, 3n])).toEqual([3n, 2n, 1n])
    expect(await ask('RoyaltyGraph', 'hasPath', [4n, 1n])).toBe(true)
    await expect(ask('RoyaltyGraph', 'ancestors', [4n, 2n])).rejects.toThrow()
    // Drawn again, an edge is replaced.
    await draw(4, 3, 3_000, 0)
    expect(await ask('RoyaltyGraph', 'parents', [4n])).toEqual([
      [2n, 3n],
      [1_000, 3_000],
      [0, 0],
    ])
    await expect(draw(4, 4, 1, 0)).rejects.toThrow()
    await expect(draw(3, 4, 1, 0)).rejects.toThrow()
    await expect(draw(4, 1, 6_001, 0)).rejects.toThrow()
  })
})

describe('ToplocCheck', () => {
  test('a constant polynomial against values around it', async () => {
    // 0x3f80 is 1.0: exponent 127, mantissa 0.
    const point = (bits: number) => concatBytes(uintBytes(bits, 4), uintBytes(bits, 2))
    const points = bytesToHex(concatBytes(...[0x3f80, 0x3f83, 0xbf85, 0x3f8a, 0x4000].map(point)))
    const check = (expHitsMin: number, meanMax: number, medianMax: number) =>
      ask('ToplocCheck', 'check', [65_497, '0x3f80', points, { expHitsMin, meanMax, medianMax }])
    expect(await check(4, 4_500, 4_000)).toEqual([4, 4_500, 4_000, true])
    expect(await check(5, 4_500, 4_000)).toEqual([4, 4_500, 4_000, false])
    expect(await check(4, 4_499, 4_000)).toEqual([4, 4_500, 4_000, false])
    expect(await check(4, 4_500, 3_999)).toEqual([4, 4_500, 4_000, false])
  })
})

describe('MinHashSim', () => {
  test('counts equal entries in ten-thousandths, and none of a text without terms', async () => {
    const entries = (value: (i: number) => number) =>
      bytesToHex(concatBytes(...Array.from({ length: 128 }, (_, i) => uintBytes(value(i), 4))))
    const rising = entries((i) => i)
    expect(await ask('MinHashSim', 'similarity', [rising, rising])).toBe(10_000)
    expect(await ask('MinHashSim', 'similarity', [rising, entries((i) => (i < 71 ? i : 999))])).toBe(5_546)
    const nothing = entries(() => 0xffff_ffff)
    expect(await ask('MinHashSim', 'similarity', [nothing, nothing])).toBe(0)
  })
})

describe('InfluenceDot', () => {
  test('signed bytes, the extremes included', async () => {
    expect(await ask('InfluenceDot', 'dot', ['0x80ff7f', '0x80017f'])).toBe(16_384 - 1 + 16_129)
    expect(await ask('InfluenceDot', 'dot', ['0x', '0x'])).toBe(0)
  })
})
