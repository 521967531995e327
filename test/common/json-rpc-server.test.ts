import { expect, test } from 'vitest'
import { idleMsMax, RpcServer } from '../../common/json-rpc-server.ts'
import { silentLog } from '../../common/log.ts'

test('an idle connection is kept for two minutes, so that a busy client does not send into one that closes', async () => {
  const server = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods: { ping: () => 'pong' }, log: silentLog })
  const port = await server.start()
  try {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: [] })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', headers, body })
    expect(await response.json()).toMatchObject({ result: 'pong' })
    expect(response.headers.get('keep-alive')).toBe(`timeout=${idleMsMax / 1e3}`)
  } finally {
    await server.stop()
  }
})
