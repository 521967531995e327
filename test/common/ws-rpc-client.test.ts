import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../common/clock.ts'
import { RpcError, TransportError } from '../../common/json-rpc.ts'
import { type RpcContext, type RpcMethods, RpcServer } from '../../common/json-rpc-server.ts'
import { silentLog } from '../../common/log.ts'
import { pendingCallsMax, WsRpcClient } from '../../common/ws-rpc-client.ts'
import { freePort } from '../fakes/anvil.ts'
import { until } from '../fakes/until.ts'

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

const subscribers = new Set<RpcContext>()
const methods: RpcMethods = {
  echo: ([value]) => value,
  refuse: () => {
    throw new RpcError(-32000, 'no')
  },
  hang: (_params, { closed }) => systemClock.sleep(60_000, closed),
  eth_subscribe: (_params, context) => {
    subscribers.add(context)
    return '0x1'
  },
}

async function server(port: number): Promise<() => Promise<void>> {
  const rpc = new RpcServer({ host: '127.0.0.1', port, websocket: true }, { methods, log: silentLog })
  await rpc.start()
  subscribers.clear()
  stops.push(() => rpc.stop())
  return () => rpc.stop()
}

function client(port: number, timeoutMs = 5_000): WsRpcClient {
  const over = new AbortController()
  stops.push(() => over.abort())
  return new WsRpcClient(
    { url: `ws://127.0.0.1:${port}`, timeoutMs, signal: over.signal },
    { clock: { nowMs: systemClock.nowMs, sleep: (_ms, signal) => systemClock.sleep(20, signal) } },
  )
}

test('calls are answered over one connection, the peer’s errors as it sent them', async () => {
  const port = await freePort()
  await server(port)
  const rpc = client(port)
  const answers = await Promise.all([1, 2, 3].map((value) => rpc.request('echo', [value])))
  expect(answers).toEqual([1, 2, 3])
  await expect(rpc.request('refuse')).rejects.toMatchObject({ code: -32000, message: 'refuse: no' })
  const [first, second] = await rpc.batch([
    { method: 'refuse', params: [] },
    { method: 'echo', params: ['x'] },
  ])
  expect(first).toBeInstanceOf(RpcError)
  expect(second).toBe('x')
})

test('a call that is not answered in time, or whose connection is lost, fails as a transport error', async () => {
  const port = await freePort()
  const stop = await server(port)
  await expect(client(port, 30).request('hang')).rejects.toBeInstanceOf(TransportError)
  const rpc = client(port)
  await rpc.request('echo', [1])
  const hanging = rpc.request('hang')
  await stop()
  await expect(hanging).rejects.toBeInstanceOf(TransportError)
  await expect(rpc.request('echo', [1])).rejects.toBeInstanceOf(TransportError)
  await server(port)
  expect(await rpc.request('echo', [2])).toBe(2)
})

test('a peer that answers nothing cannot make calls pile up', async () => {
  const port = await freePort()
  await server(port)
  const rpc = client(port)
  await rpc.request('echo', [1])
  const hanging = Array.from({ length: pendingCallsMax }, () => rpc.request('hang').catch(() => undefined))
  await expect(rpc.request('echo', [1])).rejects.toThrow(`${pendingCallsMax} calls to answer`)
  stops.pop()?.()
  await Promise.all(hanging)
})

test('a subscription comes back after its connection was lost, and ends when told', async () => {
  const port = await freePort()
  const stop = await server(port)
  const rpc = client(port)
  const notices: unknown[] = []
  const tell = (result: unknown) => {
    for (const { notify } of subscribers) notify?.('eth_subscription', { subscription: '0x1', result })
  }
  const unsubscribe = rpc.subscribe(['newHeads'], (notice) => notices.push(notice))
  await until(() => subscribers.size === 1)
  tell('a')
  await until(() => notices.length === 1)
  await stop()
  await server(port)
  await until(() => subscribers.size === 1)
  tell('b')
  await until(() => notices.length === 2)
  expect(notices).toEqual(['a', 'b'])
  unsubscribe()
  // The answers come behind the notice on the same connection.
  await rpc.request('echo', [1])
  tell('c')
  await rpc.request('echo', [1])
  expect(notices).toEqual(['a', 'b'])
})
