import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createHost, type Host } from '../../p2p/host.ts'
import { gateSockets } from '../../p2p/socket-gate.ts'
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
  gateSockets(host, (ip) => ip === '127.0.0.66')
})
afterEach(async () => host.stop())

/** Connects and says the first words of libp2p; answers what comes back, or how it ended. */
async function greet(localAddress: string): Promise<string> {
  const port = Number(host.getMultiaddrs()[0]?.nodeAddress().port)
  const socket = connect({ host: '127.0.0.1', port, localAddress })
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

test('a denied address is reset before libp2p hears of it, others are served', async () => {
  expect(await greet('127.0.0.66')).toBe('ECONNRESET')
  expect(askedByLibp2p).toBe(0)
  expect(await greet('127.0.0.1')).toContain('/multistream/1.0.0')
  expect(askedByLibp2p).toBe(1)
})
