import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createHost, type Host } from '../../p2p/host.ts'
import { gateSockets, heldMax } from '../../p2p/socket-gate.ts'
import { nextKey } from '../fakes/block-net.ts'

let host: Host
let askedByLibp2p = 0
beforeEach(async () => {
  const options = { privateKey: nextKey(), listenIp: '127.0.0.1', listenPort: 0, announce: [], agent: 'test' }
  const isDenied = () => {
    askedByLibp2p++
    return false
  }
  host = await createHost({ ...options, connectionsMax: 5 }, { isDenied }, {})
  await host.start()
})
afterEach(async () => host.stop())

const gate = (ms?: number) => gateSockets(host, (ip) => ip === '127.0.0.66', ms)

function dial(localAddress: string): Socket {
  const port = Number(host.getMultiaddrs()[0]?.nodeAddress().port)
  return connect({ host: '127.0.0.1', port, localAddress })
}

/** Says the first words of libp2p; answers what comes back, or how it ended. */
async function greet(localAddress: string): Promise<string> {
  const socket = dial(localAddress)
  socket.write('\x13/multistream/1.0.0\n')
  try {
    const [data] = await once(socket, 'data')
    return String(data)
  } catch (error) {
    return String(Reflect.get(error as object, 'code'))
  } finally {
    socket.destroy()
  }
}

test('a denied address gets no answer and is reset, before libp2p hears of it; others are served', async () => {
  gate(1_000)
  const startedMs = Date.now()
  expect(await greet('127.0.0.66')).toBe('ECONNRESET')
  expect(Date.now() - startedMs).toBeGreaterThan(500)
  expect(askedByLibp2p).toBe(0)
  expect(await greet('127.0.0.1')).toContain('/multistream/1.0.0')
  expect(askedByLibp2p).toBe(1)
})

test('no more than so many are held: the next is reset at once, and a stop waits for none', async () => {
  // Who waited for these would wait longer than a test may.
  gate(3_600_000)
  const held = Array.from({ length: heldMax }, () => dial('127.0.0.66').on('error', () => undefined))
  await Promise.all(held.map((socket) => once(socket, 'connect')))
  expect(await greet('127.0.0.66')).toBe('ECONNRESET')
  await host.stop()
})
