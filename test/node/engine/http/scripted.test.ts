import { afterEach, describe, expect, test } from 'vitest'
import { HttpEngine } from '../../../../node/engine/http/http-engine.ts'
import { verifyJwt } from '../../../../node/engine/jwt.ts'
import { zeroHash } from '../../../../protocol/bytes.ts'
import type { PayloadAttributes } from '../../../../protocol/engine-api.ts'
import type { ForkTimes } from '../../../../protocol/hardforks.ts'
import { ManualClock } from '../../../fakes/manual-clock.ts'
import { type Scripted, type ScriptedCall, ScriptedEngine } from '../../../fakes/scripted-engine.ts'

const secret = new Uint8Array(32).fill(5)
const forkTimes: ForkTimes = { regolith: 0n, canyon: 100n, delta: 100n, ecotone: 200n, isthmus: 300n, karst: 400n }
const heads = { headBlockHash: zeroHash, safeBlockHash: zeroHash, finalizedBlockHash: zeroHash }
const attributes = (timestamp: bigint): PayloadAttributes => ({
  timestamp,
  prevRandao: zeroHash,
  suggestedFeeRecipient: '0x4200000000000000000000000000000000000011',
  transactions: [],
  noTxPool: true,
  gasLimit: 30_000_000n,
})

let server: ScriptedEngine | undefined
afterEach(() => server?.stop())

async function engineThat(script: (call: ScriptedCall) => Scripted, clock = new ManualClock()) {
  server = await ScriptedEngine.start(script)
  return { server, clock, engine: new HttpEngine({ url: server.url, jwtSecret: secret, forkTimes }, { clock }) }
}

test('every request carries a token of its own time', async () => {
  const { server, engine, clock } = await engineThat(() => ({ result: '0x385' }))
  for (const seconds of [1_000, 1_200]) {
    clock.set(seconds * 1_000)
    await engine.chainId()
    expect(() => verifyJwt(secret, server.calls.at(-1)?.token ?? '', seconds)).not.toThrow()
  }
  expect(() => verifyJwt(secret, server.calls[0]?.token ?? '', 1_200)).toThrow('stale')
})

describe('a refused token', () => {
  const nowMs = Date.parse('2026-01-01T00:05:00Z')
  test.each([
    ['signature is invalid', '2026-01-01T00:05:01Z', /--l2\.jwt-secret/],
    ['stale token', '2026-01-01T00:05:01Z', /clocks of both machines differ;/],
    ['stale token', '2026-01-01T00:02:00Z', /differ by 180 s, ours is ahead/],
    ['token is not yet valid', '2026-01-01T00:07:30Z', /differ by 150 s, ours is behind/],
  ])('%s, at the engine it is %s', async (text, date, message) => {
    const clock = new ManualClock()
    clock.set(nowMs)
    const { engine } = await engineThat(() => ({ status: 401, text, date: new Date(date).toUTCString() }), clock)
    await expect(engine.chainId()).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringMatching(message),
    })
  })
})

test.each([
  [50n, 'V1', undefined],
  [150n, 'V2', 'engine_getPayloadV2'],
  [250n, 'V3', 'engine_getPayloadV3'],
  [350n, 'V3', 'engine_getPayloadV4'],
  [450n, 'V3', 'engine_getPayloadV5'],
])('a block of time %d is begun with %s and asked for with %s', async (time, version, getPayload) => {
  const { server, engine } = await engineThat(({ method }) =>
    method.startsWith('engine_forkchoiceUpdated')
      ? { result: { payloadStatus: { status: 'VALID' }, payloadId: '0x0000000000000001' } }
      : { error: { code: -38001, message: 'Unknown payload' } },
  )
  await engine.forkchoiceUpdated(heads, attributes(time))
  await expect(engine.getPayload('0x0000000000000001')).rejects.toMatchObject({ code: 'unknown-payload' })
  const [begun, asked] = server.calls.map(({ method }) => method)
  expect(begun).toBe(`engine_forkchoiceUpdated${version}`)
  expect(asked).toBe(getPayload ?? 'engine_getPayloadV2')
})

test.each([
  [-38001, 'unknown-payload'],
  [-38002, 'invalid-forkchoice'],
  [-38003, 'invalid-attributes'],
  [-38004, 'critical'],
  [-38005, 'critical'],
  [-32601, 'critical'],
  [-32602, 'critical'],
  [-32603, 'temporary'],
  [-32000, 'temporary'],
])('error %d is %s', async (code, expected) => {
  const { engine } = await engineThat(() => ({ error: { code, message: 'no' } }))
  await expect(engine.forkchoiceUpdated(heads, attributes(250n))).rejects.toMatchObject({ code: expected })
})

test.each<[string, Scripted]>([
  ['a connection that breaks', 'hang up'],
  ['a proxy’s error page', { status: 502, text: '<html>Bad gateway</html>' }],
])('%s is temporary, and the next request goes through', async (_name, broken) => {
  let count = 0
  const { engine } = await engineThat(() => (count++ === 0 ? broken : { result: '0x385' }))
  await expect(engine.chainId()).rejects.toMatchObject({ code: 'temporary' })
  expect(await engine.chainId()).toBe(901n)
})

test.each(['VALID', 'INVALID', 'SYNCING', 'ACCEPTED'])('the status %s reaches the driver', async (status) => {
  const payloadStatus = { status, latestValidHash: null, validationError: status === 'INVALID' ? 'why' : null }
  const { engine } = await engineThat(() => ({ result: { payloadStatus, payloadId: null } }))
  expect((await engine.forkchoiceUpdated(heads)).payloadStatus.status).toBe(status)
})

test.each<[string, Scripted]>([
  ['an unknown status', { result: { payloadStatus: { status: 'MAYBE' } } }],
  ['no status', { result: {} }],
])('an answer with %s is of no engine that we know', async (_name, answer) => {
  const { engine } = await engineThat(() => answer)
  await expect(engine.forkchoiceUpdated(heads)).rejects.toMatchObject({ code: 'critical' })
})

describe('capabilities', () => {
  test('are those that the engine lists', async () => {
    const { server, engine } = await engineThat(() => ({ result: ['engine_newPayloadV4', 'engine_getPayloadV4'] }))
    expect(await engine.capabilities()).toEqual(['engine_newPayloadV4', 'engine_getPayloadV4'])
    expect(server.calls[0]?.params[0]).toEqual([
      'engine_forkchoiceUpdatedV3',
      'engine_forkchoiceUpdatedV1',
      'engine_newPayloadV2',
      'engine_getPayloadV2',
      'engine_forkchoiceUpdatedV2',
      'engine_newPayloadV3',
      'engine_getPayloadV3',
      'engine_newPayloadV4',
      'engine_getPayloadV4',
      'engine_getPayloadV5',
    ])
  })

  test('of an engine too old to say are unknown', async () => {
    const { engine } = await engineThat(() => ({ error: { code: -32601, message: 'no such method' } }))
    expect(await engine.capabilities()).toBeUndefined()
  })
})

describe('an engine that has a block but lost its state', () => {
  const invalid = { error: { code: -38003, message: 'Invalid payload attributes' } }
  const lost = { error: { code: -32000, message: 'missing trie node 11 (path ) state 0x11 is not available' } }

  test('is not taken to call the attributes invalid', async () => {
    const { engine } = await engineThat(({ method }) => (method === 'eth_getBalance' ? lost : invalid))
    await expect(engine.forkchoiceUpdated(heads, attributes(1n))).rejects.toMatchObject({
      code: 'temporary',
      message: expect.stringMatching(/lost the state .*debug_setHead/),
    })
  })

  test('is told from one that is slow, where it builds without end', async () => {
    const payloadStatus = { status: 'VALID', latestValidHash: zeroHash, validationError: null }
    const { engine } = await engineThat(({ method }) => {
      if (method.startsWith('engine_forkchoiceUpdated')) {
        return { result: { payloadStatus, payloadId: '0x0000000000000001' } }
      }
      return method === 'eth_getBalance' ? lost : 'hang up'
    })
    const { payloadId } = await engine.forkchoiceUpdated(heads, attributes(1n))
    await expect(engine.getPayload(payloadId ?? '0x')).rejects.toMatchObject({
      code: 'temporary',
      message: expect.stringContaining('lost the state'),
    })
  })

  test('attributes that are invalid stay invalid where the state is there', async () => {
    const { engine } = await engineThat(({ method }) => (method === 'eth_getBalance' ? { result: '0x0' } : invalid))
    await expect(engine.forkchoiceUpdated(heads, attributes(1n))).rejects.toMatchObject({ code: 'invalid-attributes' })
  })
})
