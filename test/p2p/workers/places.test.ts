import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import { JobServer } from '../../../p2p/workers/jobs/job-server.ts'
import { decodeEvent, encodeJob } from '../../../p2p/workers/jobs/job-wire.ts'
import { pieceMsMax, pullsMax } from '../../../p2p/workers/proofs/limits.ts'
import { ProofServer } from '../../../p2p/workers/proofs/proof-server.ts'
import { encodeProofRequest } from '../../../p2p/workers/proofs/proof-wire.ts'
import { concatBytes } from '../../../protocol/bytes.ts'
import { ManualClock } from '../../fakes/manual-clock.ts'
import { streamOf } from '../../fakes/part-stream.ts'
import { jobFor } from '../../fakes/worker-jobs.ts'
import { account, netChain, word } from '../../fakes/worker-net.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const request = encodeProofRequest({ kind: 'pull', proofHash: word(5), fromLeaf: 0, wantsLeaves: true })

test.each([
  ['asks for nothing', () => streamOf([], { isOpen: true })],
  ['asks with half a frame', () => streamOf([Uint8Array.of(0, 0, 0, 46), request.subarray(0, 16)], { isOpen: true })],
  [
    'takes nothing of what it asks for',
    () => streamOf([Uint8Array.of(0, 0, 0, 46), request], { takes: 1, isOpen: true }),
  ],
])('who %s holds a place among those that are served no longer than a piece may take', async (_, open) => {
  expect(request).toHaveLength(46)
  const leaf = new Uint8Array(9)
  const clock = new ManualClock()
  const server = new ProofServer({
    clock,
    proof: () => ({ size: 9, leaves: [new Uint8Array(32)], leaf: () => leaf }),
    announcedSince: () => [],
    count: () => {},
  })
  const serve = (peer: string) =>
    server.serve(open(), peer, new AbortController().signal).catch((error: unknown) => error)
  const holding = Array.from({ length: pullsMax }, (_, i) => serve(`peer ${i}`))
  await vi.advanceTimersByTimeAsync(2 * pieceMsMax)
  for (const ended of await Promise.all(holding)) expect(ended).toMatchObject({ code: 'slow' })
})

const worker = account(1).address

/** A server of jobs that accepts each and says no more; what it told a stream. */
function jobServer() {
  const counted: string[] = []
  const server = new JobServer({
    ...{ chainId: netChain, worker, log: silentLog, clock: { nowMs: () => Date.now(), sleep: async () => {} } },
    handler: async function* (_, { signal }) {
      yield { kind: 'accepted', queued: 0 }
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
    count: (_, deed) => counted.push(deed),
  })
  const serve = (peer: string, parts: readonly Uint8Array[]) => {
    const told: Uint8Array[] = []
    const stream = streamOf(parts, { isOpen: true, told })
    const ended = server.serve(stream, peer, new AbortController().signal).catch((error: unknown) => error)
    const kinds = () => told.map((bytes) => decodeEvent(bytes.subarray(4)).kind)
    return { ended, kinds }
  }
  return { serve, counted }
}

const paidJob = (nonce: bigint) => {
  const bytes = encodeJob(jobFor(worker, [1, 2], { request: { nonce } }))
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, bytes.length)
  return concatBytes(length, bytes)
}

test('peers that take all places for jobs and ask nothing keep nobody out: the oldest such stream makes room', async () => {
  const { serve, counted } = jobServer()
  const idle = Array.from({ length: 128 }, (_, i) => serve(`peer ${i % 16}`, []))
  const asking = serve('honest', [paidJob(1n)])
  await vi.advanceTimersByTimeAsync(10)
  expect(asking.kinds()).toEqual(['accepted'])
  expect(await idle[0]?.ended).toMatchObject({
    code: 'slow',
    message: 'nothing was asked, and others needed its place',
  })
  // Those that asked keep their places, and nobody has more than eight.
  const more = Array.from({ length: 127 }, (_, i) => serve(`payer ${i}`, [paidJob(BigInt(2 + i))]))
  await vi.advanceTimersByTimeAsync(10)
  expect(more.map(({ kinds }) => kinds())).toEqual(more.map(() => ['accepted']))
  const late = serve('late', [paidJob(1_000n)])
  await vi.advanceTimersByTimeAsync(10)
  expect(late.kinds()).toEqual(['refused'])
  expect(asking.kinds()).toEqual(['accepted'])
  expect(counted.filter((deed) => deed === 'overLimit')).toHaveLength(1)
})
