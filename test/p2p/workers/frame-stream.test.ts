import { expect, test } from 'vitest'
import { FrameStream } from '../../../p2p/workers/frame-stream.ts'
import { streamOf } from '../../fakes/part-stream.ts'

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
