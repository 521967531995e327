import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../common/clock.ts'
import { RpcServer } from '../../common/json-rpc-server.ts'
import { silentLog } from '../../common/log.ts'
import { engineMethods } from '../../node/engine/http/capabilities.ts'
import { jwtAuthorizer } from '../../node/engine/jwt.ts'
import { engineRpc, reachEngine } from '../../node/external-engine.ts'
import { hardforks } from '../../protocol/hardforks.ts'
import { testRollupConfig } from '../fakes/rollup-config.ts'
import { type Scripted, ScriptedEngine } from '../fakes/scripted-engine.ts'

const jwtSecret = new Uint8Array(32).fill(5)
const methods = (config = testRollupConfig()) => engineMethods(config.forkTimes).map(({ method }) => method)

let server: ScriptedEngine | undefined
afterEach(() => server?.stop())

/** Reaches an engine that is as it should be but for what `answers` says. */
async function reach(answers: Readonly<Record<string, Scripted>>, config = testRollupConfig()) {
  const usual: Readonly<Record<string, Scripted>> = {
    eth_chainId: { result: '0x385' },
    eth_getBlockByNumber: { result: null },
    engine_exchangeCapabilities: { result: [...methods(config), 'engine_getClientVersionV1'] },
    ...answers,
  }
  const script = ({ method }: { readonly method: string }) => usual[method] ?? { result: null }
  server = await ScriptedEngine.start(script)
  const clock = { nowMs: () => 0, sleep: async () => undefined }
  const parts = { clock, log: silentLog, signal: new AbortController().signal }
  return reachEngine(config, { kind: 'http', url: server.url, jwtSecret }, parts)
}

test('an engine of this chain is taken', async () => {
  expect(await (await reach({})).chainId()).toBe(901n)
})

test('one of another chain is refused by both ids', async () => {
  await expect(reach({ eth_chainId: { result: '0x1' } })).rejects.toMatchObject({
    code: 'wrong-chain',
    message: 'the engine is of chain 1, the rollup config says 901',
  })
})

test('one that refuses our token is not asked again', async () => {
  await expect(reach({ eth_chainId: { status: 401, text: 'signature is invalid' } })).rejects.toMatchObject({
    code: 'engine-refuses',
  })
  expect(server?.calls).toHaveLength(1)
})

test('one that does not come up is given up after a while', async () => {
  await expect(reach({ eth_chainId: 'hang up' })).rejects.toMatchObject({ code: 'no-engine' })
  expect(server?.calls.length).toBeGreaterThan(3)
})

test('one without the methods of an active fork is refused by their names', async () => {
  const offered = methods().filter((method) => method !== 'engine_newPayloadV4')
  await expect(reach({ engine_exchangeCapabilities: { result: offered } })).rejects.toMatchObject({
    code: 'engine-too-old',
    message: expect.stringContaining('engine_newPayloadV4 (jovian)'),
  })
})

test('one without the methods of a fork to come is taken', async () => {
  const { forkTimes } = testRollupConfig()
  const config = testRollupConfig({ forkTimes: { ...forkTimes, karst: 9_000_000_000n } })
  const offered = methods(config).filter((method) => method !== 'engine_getPayloadV5')
  await reach({ engine_exchangeCapabilities: { result: offered } }, config)
})

test('one too old to say what it can do is taken', async () => {
  await reach({ engine_exchangeCapabilities: { error: { code: -32601, message: 'no such method' } } })
})

test('a chain with every fork at genesis needs only the newest methods', () => {
  const all = Object.fromEntries(hardforks.slice(1).map((fork) => [fork, 0n]))
  expect(engineMethods(all).map(({ method }) => method)).toEqual([
    'engine_forkchoiceUpdatedV3',
    'engine_newPayloadV4',
    'engine_getPayloadV5',
  ])
})

test('its eth_ methods are asked with the token of the Engine API', async () => {
  const authorize = jwtAuthorizer(jwtSecret, systemClock)
  const methods = { eth_chainId: () => '0x385' }
  const served = new RpcServer({ host: '127.0.0.1', port: 0, authorize }, { methods, log: silentLog })
  const url = `http://127.0.0.1:${await served.start()}`
  expect(await engineRpc({ kind: 'http', url, jwtSecret }, systemClock).request('eth_chainId')).toBe('0x385')
  const wrong = engineRpc({ kind: 'http', url, jwtSecret: new Uint8Array(32).fill(6) }, systemClock)
  await expect(wrong.request('eth_chainId')).rejects.toThrow()
  await served.stop()
})
