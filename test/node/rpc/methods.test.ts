import { describe, expect, test } from 'vitest'
import type { RpcMethods } from '../../../common/json-rpc-server.ts'
import { createLog, silentLog } from '../../../common/log.ts'
import { adminMethods } from '../../../node/rpc/admin-methods.ts'
import { optimismMethods } from '../../../node/rpc/optimism-methods.ts'
import { SequencerError } from '../../../node/sequencer/sequencer.ts'
import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { payloadEnvelopeJson } from '../../../protocol/engine-api-json.ts'
import { outputRootV0 } from '../../../protocol/output-root.ts'
import { payloadBlockHash } from '../../../protocol/payload-block.ts'
import { DriverWorld } from '../../fakes/driver-world.ts'
import { hash } from '../../fakes/rollup-config.ts'

const closed = new AbortController().signal
const call = async (methods: RpcMethods, method: string, ...params: unknown[]): Promise<unknown> =>
  methods[method]?.(params, { closed })

async function optimism() {
  const world = await DriverWorld.create()
  await world.settle()
  await world.extendUnsafe(2)
  const { unsafe, pendingSafe, safe, finalized } = world.state.heads
  const methods = optimismMethods(world.config, {
    syncStatus: () => ({
      currentL1: world.l1.at(0),
      headL1: world.l1.latest,
      safeL1: undefined,
      finalizedL1: undefined,
      unsafeL2: unsafe,
      crossUnsafeL2: unsafe,
      pendingSafeL2: pendingSafe,
      localSafeL2: safe,
      safeL2: safe,
      finalizedL2: finalized,
    }),
    l2: world.l2,
    engine: world.engine,
    safeDb: {
      safeHeadAt: async (n) =>
        n < 5n ? undefined : { l1: { hash: hash(5), number: 5n }, safe: { hash: hash(6), number: 6n } },
    },
  })
  return { world, methods, unsafe }
}

describe('optimism namespace', () => {
  test('syncStatus has every key of op-node, numbers as numbers, unknown L1 blocks as zeros', async () => {
    const { methods, unsafe } = await optimism()
    const status = (await call(methods, 'optimism_syncStatus')) as Record<string, Record<string, unknown>>
    expect(Object.keys(status)).toEqual([
      'current_l1',
      'current_l1_finalized',
      'head_l1',
      'safe_l1',
      'finalized_l1',
      'unsafe_l2',
      'safe_l2',
      'finalized_l2',
      'pending_safe_l2',
      'cross_unsafe_l2',
      'local_safe_l2',
    ])
    expect(status['unsafe_l2']).toEqual({
      hash: unsafe.hash,
      number: 2,
      parentHash: unsafe.parentHash,
      timestamp: 4,
      l1origin: { hash: hash(0x1000), number: 0 },
      sequenceNumber: 2,
    })
    expect(status['safe_l1']).toEqual({ hash: hash(0), number: 0, parentHash: hash(0), timestamp: 0 })
  })

  test('outputAtBlock commits to state, withdrawals and block', async () => {
    const { world, methods } = await optimism()
    const block = (await world.engine.payloadByNumber(1n))?.executionPayload
    if (block?.withdrawalsRoot === undefined) throw new Error('no block 1')
    const output = (await call(methods, 'optimism_outputAtBlock', '0x1')) as Record<string, unknown>
    expect(output).toMatchObject({
      version: hash(0),
      outputRoot: outputRootV0({
        stateRoot: block.stateRoot,
        withdrawalStorageRoot: block.withdrawalsRoot,
        blockHash: block.blockHash,
      }),
      withdrawalStorageRoot: block.withdrawalsRoot,
      stateRoot: block.stateRoot,
      blockRef: { number: 1 },
    })
    await expect(call(methods, 'optimism_outputAtBlock', '0x9')).rejects.toMatchObject({ code: -32000 })
    await expect(call(methods, 'optimism_outputAtBlock', 'latest')).rejects.toThrow()
  })

  test('safeHeadAtL1Block answers the record or says there is none', async () => {
    const { methods } = await optimism()
    expect(await call(methods, 'optimism_safeHeadAtL1Block', '0x7')).toEqual({
      l1Block: { hash: hash(5), number: 5 },
      safeHead: { hash: hash(6), number: 6 },
    })
    await expect(call(methods, 'optimism_safeHeadAtL1Block', '0x1')).rejects.toMatchObject({ code: -32000 })
  })

  test('rollupConfig is the file’s form', async () => {
    const { methods } = await optimism()
    expect(await call(methods, 'optimism_rollupConfig')).toMatchObject({
      l2_chain_id: 901,
      block_time: 2,
      jovian_time: 0,
    })
    expect(await call(methods, 'optimism_version')).toMatch(/^openledger\/v\d/)
  })
})

describe('admin namespace', () => {
  const inactive = {
    isActive: false,
    start: async () => {
      throw new SequencerError('running', 'sequencer already running')
    },
    stop: async () => hash(9),
    setRecoverMode: () => {},
  }

  const partsOf = ({ driver }: DriverWorld) => ({
    driver,
    log: silentLog,
    unsafe: {
      submit: (envelope: PayloadEnvelope) => {
        driver.onUnsafePayload(envelope)
        return envelope.executionPayload.blockNumber < 100n
      },
    },
  })

  test('a payload whose hash is not its own is refused; a right one reaches the driver', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    const methods = adminMethods(world.config, partsOf(world))
    const given = world.payload(world.state.heads.unsafe)
    await expect(call(methods, 'admin_postUnsafePayload', payloadEnvelopeJson(given))).rejects.toThrow('bad block hash')
    const blockHash = payloadBlockHash(given, world.config.forkTimes)
    const right = { ...given, executionPayload: { ...given.executionPayload, blockHash } }
    await call(methods, 'admin_postUnsafePayload', payloadEnvelopeJson(right))
    expect(world.unsafePayloads.peek()?.executionPayload.blockHash).toBe(blockHash)
    await expect(call(methods, 'admin_postUnsafePayload', { nonsense: 1 })).rejects.toThrow()
    const far = { ...right, executionPayload: { ...right.executionPayload, blockNumber: 100n } }
    const hashed = { ...far.executionPayload, blockHash: payloadBlockHash(far, world.config.forkTimes) }
    const posted = payloadEnvelopeJson({ ...far, executionPayload: hashed })
    await expect(call(methods, 'admin_postUnsafePayload', posted)).rejects.toThrow('no block of its number')
  })

  test('resetDerivationPipeline finds the heads again', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    await call(adminMethods(world.config, partsOf(world)), 'admin_resetDerivationPipeline')
    await world.settle()
    expect(world.pipeline.resets).toHaveLength(2)
  })

  test('sequencer methods say what is wrong', async () => {
    const world = await DriverWorld.create()
    const without = adminMethods(world.config, partsOf(world))
    await expect(call(without, 'admin_stopSequencer')).rejects.toThrow('sequencer is not enabled')
    const methods = adminMethods(world.config, { ...partsOf(world), sequencer: inactive })
    await expect(call(methods, 'admin_startSequencer', hash(1))).rejects.toThrow('already running')
    await expect(call(methods, 'admin_startSequencer', 'nonsense')).rejects.toThrow()
    expect(await call(methods, 'admin_stopSequencer')).toBe(hash(9))
    expect(await call(methods, 'admin_sequencerActive')).toBe(false)
    expect(await call(methods, 'admin_conductorEnabled')).toBe(false)
  })

  test.each([
    ['DEBUG', ['debug', 'info']],
    ['trce', ['debug', 'info']],
    ['warn', []],
  ])('setLogLevel %s holds for every component, and unknown words are refused', async (word, written) => {
    const lines: string[] = []
    const log = createLog({ level: 'info', format: 'json', write: (line) => lines.push(line) })
    const component = log.with({ component: 'driver' })
    const methods = adminMethods((await DriverWorld.create()).config, { ...partsOf(await DriverWorld.create()), log })
    await call(methods, 'admin_setLogLevel', word)
    component.debug('debug')
    component.info('info')
    expect(lines.map((line) => JSON.parse(line).message)).toEqual(written)
    await expect(call(methods, 'admin_setLogLevel', 'constructor')).rejects.toThrow('unknown level: constructor')
  })
})
