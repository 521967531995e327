import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../../common/clock.ts'
import { RpcServer } from '../../../../common/json-rpc-server.ts'
import { silentLog } from '../../../../common/log.ts'
import { embeddedRpcMethods } from '../../../../node/engine/embedded/rpc/embedded-rpc.ts'
import { engineApiMethods } from '../../../../node/engine/http/engine-api-methods.ts'
import { HttpEngine } from '../../../../node/engine/http/http-engine.ts'
import { jwtAuthorizer } from '../../../../node/engine/jwt.ts'
import { zeroHash } from '../../../../protocol/bytes.ts'
import { payloadEnvelopeJson } from '../../../../protocol/engine-api-json.ts'
import { RpcWorld, userDeposit } from '../embedded/rpc/rpc-world.ts'

const secret = new Uint8Array(32).fill(3)

describe.each(['jovian', 'isthmus', 'granite', 'ecotone', 'canyon', 'regolith'] as const)(
  'an embedded engine at %s driven over HTTP',
  (fork) => {
    let world: RpcWorld
    let server: RpcServer
    let remote: HttpEngine

    beforeAll(async () => {
      world = await RpcWorld.open({ fork })
      const { chain, pool, engine } = world
      const { forkTimes } = chain.genesis
      const methods = {
        ...embeddedRpcMethods({ clientVersion: 'test' }, { chain, pool, clock: systemClock, log: silentLog }),
        ...engineApiMethods({ forkTimes, version: 'test' }, engine),
      }
      const authorize = jwtAuthorizer(secret, systemClock)
      server = new RpcServer({ host: '127.0.0.1', port: 0, authorize }, { methods, log: silentLog })
      const url = `http://127.0.0.1:${await server.start()}`
      remote = new HttpEngine({ url, jwtSecret: secret, forkTimes }, { clock: systemClock })
    })
    afterAll(async () => {
      await server.stop()
      await world.close()
    })

    test('builds, inserts and answers like the same engine in process', async () => {
      await world.walletClient(0).sendTransaction({ to: '0x5555555555555555555555555555555555555555', value: 1n })
      const built = await world.mine({ engine: remote, deposits: [userDeposit({ mint: 7n })] })
      expect(built.executionPayload.transactions).toHaveLength(3)
      const { blockHash, blockNumber } = built.executionPayload
      expect(await remote.chainId()).toBe(161_201n)
      expect(await remote.payloadByHash(blockHash)).toEqual(built)
      expect(await remote.payloadByNumber(blockNumber)).toEqual(built)
      expect(await remote.payloadByLabel('latest')).toEqual(built)
      const [theirs, own] = await Promise.all([remote.payloadByLabel('safe'), world.engine.payloadByLabel('safe')])
      if (theirs === undefined || own === undefined) throw new Error('no safe block')
      expect(payloadEnvelopeJson(theirs)).toEqual(payloadEnvelopeJson(own))
      expect(await remote.messagePasserRoot(blockHash)).toBe(await world.engine.messagePasserRoot(blockHash))
    })

    test('unknown blocks are absent, an unknown head is syncing', async () => {
      expect(await remote.payloadByHash(zeroHash)).toBeUndefined()
      expect(await remote.payloadByNumber(99n)).toBeUndefined()
      const unknown = `0x${'77'.repeat(32)}` as const
      const state = { headBlockHash: unknown, safeBlockHash: zeroHash, finalizedBlockHash: zeroHash }
      expect((await remote.forkchoiceUpdated(state)).payloadStatus.status).toBe('SYNCING')
    })

    test('a payload that was changed is invalid', async () => {
      const head = await remote.payloadByLabel('latest')
      if (head === undefined) throw new Error('no head')
      const changed = { ...head, executionPayload: { ...head.executionPayload, gasUsed: 1n } }
      expect((await remote.newPayload(changed)).status).toBe('INVALID')
    })
  },
)
