import fc from 'fast-check'
import { encodeErrorResult, parseAbi } from 'viem'
import { beforeAll, expect, test } from 'vitest'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { modelVersionHash } from '../../protocol/inference-request.ts'
import {
  encodeRoyaltyRows,
  type RoyaltyRow,
  royaltyHash,
  royaltyModelId,
  royaltyRowsMax,
} from '../../protocol/royalty-vector.ts'
import { permissive } from '../fakes/licences.ts'
import { type Actor, MoneyChain, type Reverted } from '../fakes/money-chain.ts'

const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
const version = { weightsManifest: word(1), configHash: word(2), trainingRoot: word(3), indexIds: [] }
const params = { kind: 0, verifyClasses: 1, licenceId: permissive, version }

/** The graph's refusal, as it comes through the registry. */
const overcommitted = (id: bigint) =>
  encodeErrorResult({ abi: parseAbi(['error Overcommitted(uint64 id)']), args: [id] })

type Parent = { readonly id: bigint; readonly relation: number; readonly bps: number; readonly policy: number }

let fresh: MoneyChain
let owner: Actor
beforeAll(async () => {
  fresh = await MoneyChain.create()
  owner = fresh.actor('model owner')
})

/** Models one after the other; each draws from those before it. */
const lineage = fc
  .array(
    fc.array(
      fc.record({
        back: fc.integer({ min: 1, max: 40 }),
        relation: fc.nat(4),
        bps: fc.oneof(...[3, 2_500, 6_000].map((max) => fc.integer({ min: 1, max }))),
        policy: fc.nat(1),
      }),
      { maxLength: 5 },
    ),
    { minLength: 2, maxLength: 14 },
  )
  .map((models) =>
    models.map((edges, i) => {
      const parents = edges.map(({ back, ...rest }): Parent => ({ ...rest, id: BigInt(1 + (back % Math.max(i, 1))) }))
      return i === 0 ? [] : parents.filter(({ id }, at) => parents.findIndex((other) => other.id === id) === at)
    }),
  )

/** Rows of a model's royalty vector, by following every share; undefined where more is promised than there is. */
function flattened(graph: ReadonlyMap<bigint, readonly Parent[]>, root: bigint): RoyaltyRow[] | undefined {
  const parts = 100_000_000n
  if ((graph.get(root) ?? []).reduce((sum, { bps }) => sum + bps, 0) > 10_000) return undefined
  const reached = new Set([root])
  for (const id of reached) for (const parent of graph.get(id) ?? []) reached.add(parent.id)
  const edges = [...reached].flatMap((child) => (graph.get(child) ?? []).map((edge) => ({ child, ...edge })))
  const absoluteOf = (id: bigint) =>
    edges
      .filter((edge) => edge.id === id && edge.policy === 0)
      .reduce((sum, { bps }) => sum + BigInt(bps) * 10_000n, 0n)
  const received = new Map<bigint, bigint>([[root, parts]])
  const relativeTo = (id: bigint, receivedBy: (child: bigint) => bigint) =>
    edges
      .filter((edge) => edge.id === id && edge.policy === 1)
      .reduce((sum, { child, bps }) => sum + (receivedBy(child) * BigInt(bps)) / 10_000n, 0n)
  const receivedBy = (id: bigint): bigint => {
    const known = received.get(id)
    if (known !== undefined) return known
    const amount = absoluteOf(id) + relativeTo(id, receivedBy)
    received.set(id, amount)
    return amount
  }
  const given = (id: bigint) =>
    edges
      .filter((edge) => edge.child === id && edge.policy === 1)
      .reduce((sum, { bps }) => sum + (receivedBy(id) * BigInt(bps)) / 10_000n, 0n)
  const promised = edges.filter(({ policy }) => policy === 0).reduce((sum, { bps }) => sum + BigInt(bps) * 10_000n, 0n)
  if (promised > parts - given(root)) return undefined
  const ancestors = [...reached]
    .filter((id) => id !== root)
    .map((id) => ({ kind: 0 as const, id: royaltyModelId(id), bps: Number((receivedBy(id) - given(id)) / 10_000n) }))
    .filter(({ bps }) => bps > 0)
  const own = 10_000 - ancestors.reduce((sum, { bps }) => sum + bps, 0)
  const rows = own > 0 ? [...ancestors, { kind: 0 as const, id: royaltyModelId(root), bps: own }] : ancestors
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1))
}

test('the vector of whatever lineage is what following every share gives, and refused where more is promised', async () => {
  let refused = 0
  let shared = 0
  await fc.assert(
    fc.asyncProperty(lineage, async (models) => {
      const chain = await fresh.fork()
      const graph = new Map<bigint, readonly Parent[]>()
      for (const parents of models) {
        const id = BigInt(graph.size + 1)
        const existing = parents.filter((parent) => graph.has(parent.id))
        const expected = flattened(new Map([...graph, [id, existing]]), id)
        const sent = await chain
          .send(owner, 'ModelRegistry', 'register', [params, existing, []])
          .catch((error: unknown) => error)
        if (expected === undefined) {
          refused++
          expect((sent as Reverted).error).toBe(overcommitted(id))
          continue
        }
        if (sent instanceof Error) throw sent
        graph.set(id, existing)
        if (expected.length > 3) shared++
        expect(expected.length).toBeLessThanOrEqual(royaltyRowsMax)
        const { events } = sent as { events: { name: string; args: Record<string, unknown> }[] }
        const snapshot = events.find(({ name }) => name === 'RoyaltySnapshot')
        expect(snapshot?.args['vector']).toBe(bytesToHex(encodeRoyaltyRows(expected)))
        const hash = await chain.read('ModelRegistry', 'royaltyHashOf', [modelVersionHash(id, 1)])
        expect(hash).toBe(bytesToHex(royaltyHash(expected)))
      }
    }),
    { numRuns: 25 },
  )
  expect(refused).toBeGreaterThan(0)
  expect(shared).toBeGreaterThan(0)
})
