import type { Stream } from '@libp2p/interface'
import { afterEach, expect, test } from 'vitest'
import { createHost, type Host, startHost } from '../../p2p/host.ts'
import { streamWindowMax, unreadMax } from '../../p2p/read-paced-yamux.ts'
import { nextKey } from '../fakes/block-net.ts'
import { flood, HostilePeer } from '../fakes/hostile-peer.ts'

const stops: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

const pieceBytes = 64 * 1024

async function listening(onStream: (stream: Stream) => void): Promise<string> {
  const options = { privateKey: nextKey(), listenIp: '127.0.0.1', listenPort: 0, announce: [], agent: 'test' }
  const limits = { ...options, connectionsMax: 10 }
  const host: Host = await createHost(limits, { isDenied: () => false }, {})
  await host.handle('/test', ({ stream }) => onStream(stream))
  await startHost(host, limits)
  stops.push(() => host.stop())
  return String(host.getMultiaddrs()[0])
}

async function flooded(onStream: (stream: Stream) => void, ms: number): Promise<number> {
  const peer = await HostilePeer.start()
  stops.push(() => peer.stop())
  const stream = await peer.openStream(await listening(onStream), '/test')
  return await flood(stream, [new Uint8Array(pieceBytes)], AbortSignal.timeout(ms))
}

test('a sender is granted no more than a window and a little beside what was read, however slowly and in however many pieces', async () => {
  let read = 0
  const sent = await flooded(async (stream) => {
    for await (const piece of stream.source) {
      read += piece.byteLength
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }, 1_500)
  expect(read).toBeGreaterThan(20 * 1_024)
  expect(sent - read).toBeLessThanOrEqual(streamWindowMax + unreadMax + 2 * pieceBytes)
})

test('a stream that is read at once is not held up', async () => {
  let read = 0
  const sent = await flooded(async (stream) => {
    for await (const piece of stream.source) read += piece.byteLength
  }, 1_500)
  expect(sent).toBeGreaterThan(2 * (streamWindowMax + unreadMax))
  expect(sent - read).toBeLessThanOrEqual(streamWindowMax + unreadMax + 2 * pieceBytes)
})
