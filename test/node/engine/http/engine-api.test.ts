import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../../common/clock.ts'
import { HttpRpcClient, RpcError } from '../../../../common/json-rpc.ts'
import { RpcServer } from '../../../../common/json-rpc-server.ts'
import { silentLog } from '../../../../common/log.ts'
import { type Engine, EngineError } from '../../../../node/engine/engine.ts'
import { engineApiMethods } from '../../../../node/engine/http/engine-api-methods.ts'
import { HttpEngine } from '../../../../node/engine/http/http-engine.ts'
import { jwtAuthorizer, jwtToken } from '../../../../node/engine/jwt.ts'
import { type Hex, zeroAddress, zeroHash } from '../../../../protocol/bytes.ts'
import type { PayloadAttributes, PayloadEnvelope } from '../../../../protocol/engine-api.ts'
import { executionPayloadJson, payloadAttributesJson } from '../../../../protocol/engine-api-json.ts'

const forkTimes = { regolith: 0n, canyon: 100n, ecotone: 200n, fjord: 200n, holocene: 250n, isthmus: 300n, karst: 400n }
const secret = new Uint8Array(32).fill(1)
const id: Hex = '0x0300000000000001'
const forkchoice = { headBlockHash: zeroHash, safeBlockHash: zeroHash, finalizedBlockHash: zeroHash }

/** An engine that remembers what it was told and builds whatever the attributes' time needs. */
class RecordingEngine {
  received: unknown[] = []
  failure: EngineError | undefined
  timestamp = 0n

  readonly engine: Engine = {
    chainId: async () => 161_201n,
    forkchoiceUpdated: async (state, attributes) => {
      this.#note(['forkchoiceUpdated', state, attributes])
      this.timestamp = attributes?.timestamp ?? this.timestamp
      const payloadStatus = { status: 'VALID' as const, latestValidHash: zeroHash }
      return attributes === undefined ? { payloadStatus } : { payloadStatus, payloadId: id }
    },
    getPayload: async (asked) => {
      this.#note(['getPayload', asked])
      return envelope(this.timestamp)
    },
    newPayload: async (given) => {
      this.#note(['newPayload', given])
      return { status: 'INVALID', latestValidHash: zeroHash, validationError: 'state root' }
    },
    payloadByHash: async () => undefined,
    payloadByNumber: async (number) => (number <= 3n ? envelope(50n) : undefined),
    payloadByLabel: async () => undefined,
    messagePasserRoot: async () => zeroHash,
  }

  #note(call: unknown): void {
    this.received.push(call)
    if (this.failure !== undefined) throw this.failure
  }
}

function envelope(timestamp: bigint): PayloadEnvelope {
  return {
    executionPayload: {
      parentHash: zeroHash,
      feeRecipient: zeroAddress,
      stateRoot: zeroHash,
      receiptsRoot: zeroHash,
      logsBloom: new Uint8Array(256),
      prevRandao: zeroHash,
      blockNumber: 7n,
      gasLimit: 30_000_000n,
      gasUsed: 21_000n,
      timestamp,
      extraData: new Uint8Array(0),
      baseFeePerGas: 1_000_000_000n,
      blockHash: `0x${'ab'.repeat(32)}`,
      transactions: [Uint8Array.of(0x7e, 0xc0)],
      ...(timestamp >= 100n ? { withdrawals: [] as const } : {}),
      ...(timestamp >= 200n ? { blobGasUsed: 0n, excessBlobGas: 0n } : {}),
      ...(timestamp >= 300n ? { withdrawalsRoot: zeroHash } : {}),
    },
    ...(timestamp >= 200n ? { parentBeaconBlockRoot: zeroHash } : {}),
  }
}

function attributes(timestamp: bigint): PayloadAttributes {
  return {
    timestamp,
    prevRandao: zeroHash,
    suggestedFeeRecipient: zeroAddress,
    ...(timestamp >= 100n ? { withdrawals: [] as const } : {}),
    ...(timestamp >= 200n ? { parentBeaconBlockRoot: zeroHash } : {}),
    transactions: [Uint8Array.of(0x7e, 0xc0)],
    noTxPool: true,
    gasLimit: 30_000_000n,
  }
}

const recorder = new RecordingEngine()
const called: string[] = []
const methods = engineApiMethods({ forkTimes, version: '0' }, recorder.engine)
const server = new RpcServer(
  { host: '127.0.0.1', port: 0, authorize: jwtAuthorizer(secret, systemClock) },
  {
    methods: Object.fromEntries(
      Object.entries(methods).map(([name, handler]) => [
        name,
        (params, context) => {
          called.push(name)
          return handler(params, context)
        },
      ]),
    ),
    log: silentLog,
  },
)
let url = ''

beforeAll(async () => {
  url = `http://127.0.0.1:${await server.start()}`
})
afterAll(() => server.stop())

const client = (jwtSecret = secret) => new HttpEngine({ url, jwtSecret, forkTimes }, { clock: systemClock })
const raw = () =>
  new HttpRpcClient({
    url,
    timeoutMs: 5_000,
    headers: () => ({ authorization: `Bearer ${jwtToken(secret, Math.floor(Date.now() / 1000))}` }),
  })

async function codeOf(method: string, params: readonly unknown[]): Promise<number | undefined> {
  try {
    await raw().request(method, params)
  } catch (error) {
    if (error instanceof RpcError) return error.code
    throw error
  }
  return undefined
}

describe('client and server agree', () => {
  test.each([
    [50n, ['forkchoiceUpdatedV1', 'getPayloadV2', 'newPayloadV2']],
    [100n, ['forkchoiceUpdatedV2', 'getPayloadV2', 'newPayloadV2']],
    [200n, ['forkchoiceUpdatedV3', 'getPayloadV3', 'newPayloadV3']],
    [300n, ['forkchoiceUpdatedV3', 'getPayloadV4', 'newPayloadV4']],
    [400n, ['forkchoiceUpdatedV3', 'getPayloadV5', 'newPayloadV4']],
  ])('a block of time %d is built with the versions of its fork, nothing lost on the way', async (time, versions) => {
    recorder.received = []
    called.length = 0
    const engine = client()
    const { payloadId } = await engine.forkchoiceUpdated(forkchoice, attributes(time))
    const built = await engine.getPayload(payloadId ?? '0x')
    const status = await engine.newPayload(built)
    expect(called).toEqual(versions.map((name) => `engine_${name}`))
    expect(built).toEqual(envelope(time))
    expect(status).toEqual({ status: 'INVALID', latestValidHash: zeroHash, validationError: 'state root' })
    expect(recorder.received).toEqual([
      ['forkchoiceUpdated', forkchoice, attributes(time)],
      ['getPayload', id],
      ['newPayload', envelope(time)],
    ])
  })

  test('a forkchoice without attributes is V3 at any time', async () => {
    called.length = 0
    await client().forkchoiceUpdated(forkchoice)
    expect(called).toEqual(['engine_forkchoiceUpdatedV3'])
  })

  test.each(['unknown-payload', 'invalid-forkchoice', 'invalid-attributes', 'temporary'] as const)(
    'the error %s crosses the wire',
    async (code) => {
      recorder.failure = new EngineError(code, 'as told')
      try {
        const failed = await client()
          .forkchoiceUpdated(forkchoice)
          .catch((error: unknown) => error)
        expect(failed).toBeInstanceOf(EngineError)
        expect(failed).toMatchObject({ code })
      } finally {
        recorder.failure = undefined
      }
    },
  )

  test('an id that was never given is unknown without asking', async () => {
    await expect(client().getPayload('0x0000000000000000')).rejects.toMatchObject({ code: 'unknown-payload' })
  })

  test('a wrong secret is refused and reported as what to look at', async () => {
    const failed = client(new Uint8Array(32)).forkchoiceUpdated(forkchoice)
    await expect(failed).rejects.toMatchObject({
      code: 'unauthorized',
      message: expect.stringContaining('--l2.jwt-secret'),
    })
  })

  test('nobody at the address is temporary', async () => {
    const engine = new HttpEngine({ url: 'http://127.0.0.1:1', jwtSecret: secret, forkTimes }, { clock: systemClock })
    await expect(engine.chainId()).rejects.toMatchObject({ code: 'temporary' })
  })
})

describe('fork checks of the server', () => {
  const fcu = (version: number, time: bigint, change: object = {}) =>
    codeOf(`engine_forkchoiceUpdatedV${version}`, [
      forkchoice,
      { ...payloadAttributesJson(attributes(time)), ...change },
    ])
  const payload = (version: number, time: bigint, change: object = {}) =>
    codeOf(`engine_newPayloadV${version}`, [
      { ...executionPayloadJson(envelope(time).executionPayload), ...change },
      [],
      zeroHash,
      [],
    ])

  test.each([
    [1, 100n, { withdrawals: null }, -38005],
    [1, 50n, { withdrawals: [] }, -38003],
    [2, 50n, {}, undefined],
    [2, 200n, { parentBeaconBlockRoot: null }, -38005],
    [2, 200n, {}, -38003],
    [2, 100n, { withdrawals: null }, -38003],
    [3, 100n, { parentBeaconBlockRoot: zeroHash }, -38005],
    [3, 200n, { parentBeaconBlockRoot: null }, -38003],
    [3, 200n, { withdrawals: null }, -38003],
    [3, 200n, {}, undefined],
    [3, 400n, {}, undefined],
    [3, 200n, { gasLimit: null }, -32602],
    [3, 200n, { timestamp: 'soon' }, -32602],
  ])('forkchoiceUpdatedV%d at time %d with %o answers %s', async (version, time, change, code) => {
    expect(await fcu(version, time, change)).toBe(code)
  })

  test.each([
    [1, 50n, {}, undefined],
    [1, 100n, { withdrawals: null }, -32602],
    [2, 100n, { withdrawals: null }, -32602],
    [2, 200n, {}, -32602],
    [3, 100n, {}, -32602],
    [3, 300n, { withdrawalsRoot: null }, -38005],
    [4, 200n, {}, -38005],
    [4, 300n, {}, undefined],
    [4, 400n, {}, undefined],
    [4, 300n, { blobGasUsed: null }, -32602],
    [4, 300n, { transactions: ['0x'] }, -32602],
  ])('newPayloadV%d at time %d with %o answers %s', async (version, time, change, code) => {
    expect(await payload(version, time, change)).toBe(code)
  })

  test('blobs and requests have no place in an L2 payload', async () => {
    const json = executionPayloadJson(envelope(300n).executionPayload)
    expect(await codeOf('engine_newPayloadV4', [json, [zeroHash], zeroHash, []])).toBe(-32602)
    expect(await codeOf('engine_newPayloadV4', [json, [], zeroHash, ['0x00']])).toBe(-32602)
    expect(await codeOf('engine_newPayloadV4', [json, [], zeroHash])).toBe(-32602)
  })

  test('getPayload of another version than the block needs is an unsupported fork', async () => {
    await client().forkchoiceUpdated(forkchoice, attributes(300n))
    for (const version of [1, 2, 3, 5]) expect(await codeOf(`engine_getPayloadV${version}`, [id])).toBe(-38005)
    expect(await codeOf('engine_getPayloadV4', [id])).toBeUndefined()
  })

  test('bodies come up to the head, in a limited number', async () => {
    const bodies = await raw().request('engine_getPayloadBodiesByRangeV1', ['0x2', '0x8'])
    expect(bodies).toHaveLength(2)
    expect(await raw().request('engine_getPayloadBodiesByHashV1', [[zeroHash]])).toEqual([null])
    expect(await codeOf('engine_getPayloadBodiesByRangeV1', ['0x1', '0x21'])).toBe(-38004)
    expect(await codeOf('engine_getPayloadBodiesByRangeV1', ['0x0', '0x1'])).toBe(-32602)
  })

  test('capabilities name the methods that exist', async () => {
    const capabilities = (await raw().request('engine_exchangeCapabilities', [[]])) as string[]
    expect(capabilities).toContain('engine_getPayloadV4')
    for (const name of capabilities) expect(methods).toHaveProperty(name)
  })
})
