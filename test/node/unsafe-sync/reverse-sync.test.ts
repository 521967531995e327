import fc from 'fast-check'
import { expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import { ReverseSync } from '../../../node/unsafe-sync/reverse-sync.ts'
import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { hash, testRollupConfig } from '../../fakes/rollup-config.ts'

const config = testRollupConfig()

/** Block `n` of a fork; fork 0 is the honest chain. */
function block(n: number, fork = 0): PayloadEnvelope {
  const id = (number: number) => hash(number + fork * 1_000_000)
  const executionPayload = {
    blockNumber: BigInt(n),
    blockHash: id(n),
    parentHash: id(n - 1),
    timestamp: BigInt(n) * config.blockTime,
    transactions: [],
  }
  return { executionPayload } as unknown as PayloadEnvelope
}

/** What a peer does with the i-th request it gets. */
const deeds = fc.constantFrom('honest', 'fork', 'other number', 'absent', 'fails', 'slow') as fc.Arbitrary<Deed>
type Deed = 'honest' | 'fork' | 'other number' | 'absent' | 'fails' | 'slow'

const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

async function answer(deed: Deed, number: bigint): Promise<PayloadEnvelope | undefined> {
  const n = Number(number)
  await tick()
  if (deed === 'fails') throw new Error('stream reset')
  if (deed === 'absent') return undefined
  if (deed === 'fork') return block(n, 1)
  if (deed === 'other number') return block(n + 1)
  if (deed === 'slow') for (let i = 0; i < 20; i++) await tick()
  return block(n)
}

test('whatever peers answer, only the chain of the trusted block is taken, without a hole; liars alone are reported', async () => {
  const world = fc.record({
    unsafe: fc.integer({ min: 0, max: 20 }),
    gap: fc.integer({ min: 1, max: 150 }),
    peers: fc.array(fc.array(deeds, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 10 }),
    hasHonest: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(world, async ({ unsafe, gap, peers, hasHonest }) => {
      const behaviours: readonly (readonly Deed[])[] = hasHonest ? [['honest'], ...peers] : peers
      const asked = new Map<string, number>()
      const lied = new Set<string>()
      const reported = new Set<string>()
      const accepted: PayloadEnvelope[] = []
      const top = unsafe + gap
      const sync = new ReverseSync(config, { number: BigInt(top), hash: hash(top) }, 1_000, {
        source: {
          request: async (number, { peerId }) => {
            const turn = asked.get(peerId) ?? 0
            asked.set(peerId, turn + 1)
            const behaviour = behaviours[Number(peerId)] ?? ['honest']
            const deed = behaviour[turn % behaviour.length] ?? 'honest'
            if (deed === 'fork' || deed === 'other number') lied.add(peerId)
            return await answer(deed, number)
          },
          reportInvalid: (peerId) => reported.add(peerId),
        },
        unsafe: () => ({ number: BigInt(unsafe), hash: hash(unsafe) }),
        accept: (envelope) => {
          accepted.push(envelope)
          return true
        },
        log: silentLog,
      })
      const ids = behaviours.map((_behaviour, i) => String(i))
      const end = await sync.run(ids, new AbortController().signal)
      const numbers = accepted.map(({ executionPayload }) => Number(executionPayload.blockNumber))
      expect(numbers).toEqual(Array.from({ length: accepted.length }, (_, i) => top - i))
      for (const { executionPayload } of accepted) {
        expect(executionPayload.blockHash).toBe(hash(executionPayload.blockNumber))
      }
      expect([...reported].filter((peerId) => !lied.has(peerId))).toEqual([])
      if (hasHonest) expect([end, accepted.length]).toEqual(['connected', gap])
      else expect(end === 'connected').toBe(accepted.length === gap)
    }),
    { numRuns: 150 },
  )
})

test('a run ends after its share of blocks, so that the peers are looked at again', async () => {
  const accepted: bigint[] = []
  const sync = new ReverseSync(config, { number: 100n, hash: hash(100) }, 10, {
    source: { request: (number) => answer('honest', number), reportInvalid: () => undefined },
    unsafe: () => ({ number: 0n, hash: hash(0) }),
    accept: ({ executionPayload }) => accepted.push(executionPayload.blockNumber) > 0,
    log: silentLog,
  })
  expect(await sync.run(['a', 'b'], new AbortController().signal)).toBe('full')
  expect(accepted).toEqual([100n, 99n, 98n, 97n, 96n, 95n, 94n, 93n, 92n, 91n])
})

test('one block that only a hanging peer is asked for is asked of another one too', async () => {
  const sync = new ReverseSync(config, { number: 3n, hash: hash(3) }, 10, {
    source: {
      request: async (number, { peerId, signal }) => {
        if (peerId === 'hangs') await new Promise((resolve) => signal.addEventListener('abort', resolve))
        return await answer('honest', number)
      },
      reportInvalid: () => undefined,
    },
    unsafe: () => ({ number: 0n, hash: hash(0) }),
    accept: () => true,
    log: silentLog,
  })
  expect(await sync.run(['hangs', 'answers'], new AbortController().signal)).toBe('connected')
})
