import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../common/clock.ts'
import { RpcServer } from '../../common/json-rpc-server.ts'
import { silentLog as log } from '../../common/log.ts'
import { EmbeddedChain } from '../../node/engine/embedded/chain/chain.ts'
import { EmbeddedEngine } from '../../node/engine/embedded/engine.ts'
import { embeddedRpcMethods } from '../../node/engine/embedded/rpc/embedded-rpc.ts'
import { TxPool } from '../../node/engine/embedded/txpool/tx-pool.ts'
import { engineApiMethods } from '../../node/engine/http/engine-api-methods.ts'
import { jwtAuthorizer } from '../../node/engine/jwt.ts'
import { parseGenesis } from '../../protocol/genesis-file.ts'
import { hasAnvil } from '../fakes/anvil.ts'
import { DevNet } from '../fakes/dev-net.ts'

const jwtSecret = new Uint8Array(32).fill(7)

describe.skipIf(!hasAnvil)('a node on an engine over HTTP (skipped without anvil’s binary)', () => {
  let net: DevNet
  let url: string
  const closers: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    net = await DevNet.start()
    const options = net.options('external-engine')
    const { forkTimes } = options.rollupConfig
    const genesis = parseGenesis(options.genesis)
    const chain = await EmbeddedChain.open({ dir: options.dataDir, genesis, archive: false }, { log })
    const engine = new EmbeddedEngine(chain, { log })
    const pool = new TxPool({ forkTimes }, { chain, clock: systemClock, log })
    const methods = {
      ...embeddedRpcMethods({ clientVersion: 'test' }, { chain, pool, clock: systemClock, log }),
      ...engineApiMethods({ forkTimes, version: 'test' }, engine),
    }
    const authorize = jwtAuthorizer(jwtSecret, systemClock)
    const server = new RpcServer({ host: '127.0.0.1', port: 0, authorize }, { methods, log })
    url = `http://127.0.0.1:${await server.start()}`
    closers.push(
      () => server.stop(),
      () => engine.stop(),
      () => chain.close(),
    )
  })
  afterAll(async () => {
    await net.stop()
    for (const close of closers) await close()
  })

  test('derives the same blocks as one with the engine inside', async () => {
    const sequencer = await net.node(net.sequencerOptions())
    const verifier = await net.node(net.options('verifier', { engine: { kind: 'http', url, jwtSecret } }))
    const { safeL2 } = await verifier.until(({ safe }) => safe >= 5n)
    expect(await sequencer.blockHash(safeL2.number)).toBe(safeL2.hash)
  })

  test('does not start with the wrong secret', async () => {
    const wrong = net.options('wrong', { engine: { kind: 'http', url, jwtSecret: new Uint8Array(32) } })
    await expect(net.node(wrong)).rejects.toMatchObject({
      code: 'engine-refuses',
      message: expect.stringContaining('--l2.jwt-secret'),
    })
  })
})
