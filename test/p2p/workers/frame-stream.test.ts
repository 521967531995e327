import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FrameStream } from '../../../p2p/workers/frame-stream.ts'
import { pieceMsMax, pullsMax } from '../../../p2p/workers/proofs/limits.ts'
import { ProofServer } from '../../../p2p/workers/proofs/proof-server.ts'
import { encodeProofRequest } from '../../../p2p/workers/proofs/proof-wire.ts'
import { ManualClock } from '../../fakes/manual-clock.ts'
import { word } from '../../fakes/worker-net.ts'

/** What frames ask of a stream: parts that come, and a sink that takes as many as `takes` says. */
function streamOf(parts: Iterable<Uint8Array>, { takes = Number.POSITIVE_INFINITY, isOpen = false } = {}): Stream {
  let abort: (error: Error) => void = () => {}
  const gone = new Promise<never>((_, reject) => {
    abort = reject
  })
  gone.catch(() => undefined)
  const stream = {
    source: (async function* () {
      for (const part of parts) yield new Uint8ArrayList(part)
      if (isOpen) await gone
    })(),
    sink: async (frames: AsyncIterable<Uint8Array>) => {
      let taken = 0
      for await (const _ of frames) if (++taken > takes) await gone
    },
    abort: (error: Error) => abort(error),
    close: async () => {},
  }
  return stream as unknown as Stream
}

function* singly(bytes: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i++) {
    yield bytes.subarray(i, i + 1)
    yield new Uint8Array(0)
  }
}

const framed = (length: number) => {
  const bytes = Uint8Array.from({ length: 4 + length }, (_, i) => (i < 4 ? 0 : i % 251))
  new DataView(bytes.buffer).setUint32(0, length)
  return bytes
}

test('a frame that comes byte by byte is the same frame, whatever its size', async () => {
  for (const length of [0, 1, 3, 150_000]) {
    const frames = new FrameStream(streamOf(singly(framed(length))))
    expect(await frames.receive(150_000)).toEqual(framed(length).subarray(4))
    expect(await frames.receive(150_000)).toBeUndefined()
  }
})

test('frames that come in one part, or cut anywhere, are the same frames', async () => {
  const bytes = Uint8Array.from([framed(5), framed(0), framed(7)].flatMap((frame) => [...frame]))
  for (let cut = 0; cut <= bytes.length; cut++) {
    const frames = new FrameStream(streamOf([bytes.subarray(0, cut), bytes.subarray(cut)]))
    for (const length of [5, 0, 7]) expect(await frames.receive(9)).toEqual(framed(length).subarray(4))
    expect(await frames.receive(9)).toBeUndefined()
  }
})

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const request = encodeProofRequest({ kind: 'pull', proofHash: word(5), fromLeaf: 0, wantsLeaves: true })

test.each([
  ['asks for nothing', () => streamOf([], { isOpen: true })],
  ['asks with half a frame', () => streamOf([framed(46).subarray(0, 20)], { isOpen: true })],
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
