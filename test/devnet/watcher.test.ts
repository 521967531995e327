import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callContract } from '../../chain/ledger/l2-calls.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { devRoles } from '../../genesis/presets.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { hasAnvil } from '../fakes/anvil.ts'
import { DevNet } from '../fakes/dev-net.ts'
import { fileBatch, fileWith, withEntries } from '../fakes/file-batch.ts'
import { LedgerMarket } from '../fakes/ledger-market.ts'
import { type NodeProcess, startNodeProcess } from '../fakes/node-process.ts'
import { RemoteMarketChain } from '../fakes/remote-market-chain.ts'

const stranger: Hex = `0x${'5a'.repeat(20)}`

describe.skipIf(!hasAnvil)('the role watcher (skipped without anvil’s binary)', () => {
  let net: DevNet
  let folder: string
  let node: NodeProcess

  beforeAll(async () => {
    const window = 60n
    net = await DevNet.start(['--block-time', '1'], {
      ...{ challengeWindowSeconds: window, channelWithdrawalDelaySeconds: 2n * window, unbondingSeconds: 4n * window },
    })
    folder = await mkdtemp(join(tmpdir(), 'watcher-'))
    const roles = { watcher: { key: devPrivateKeys[devRoles.challenger] } }
    node = await startNodeProcess(net.sequencerOptions('sequencer', roles), folder, 'sequencer')
  })
  afterAll(async () => {
    await node.kill()
    await net.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const isVoid = (batchId: bigint, index: number) =>
    callContract(node.eth, { contract: 'InferenceMarket', functionName: 'isVoid', args: [batchId, index] })
  const until = async (what: string, isSo: () => Promise<unknown>) => {
    for (const end = Date.now() + 120_000; Date.now() < end; await new Promise((done) => setTimeout(done, 300))) {
      if ((await isSo().catch(() => false)) === true) return
    }
    const lines = (await readFile(join(folder, 'sequencer.log'), 'utf8')).split('\n')
    throw new Error(`${what}: it did not come\n${lines.filter((line) => line.includes('component=money')).join('\n')}`)
  }
  const publish = async (hash: unknown, file: Uint8Array) => {
    const body = new Blob([Uint8Array.from(file)])
    return (await fetch(`${node.rollup.url}/content/${String(hash)}`, { method: 'PUT', body })).ok
  }

  test('voids a wrong receipt and a batch whose data is withheld by itself, and leaves the honest one alone', async () => {
    const chain = await RemoteMarketChain.open(() => node.eth)
    const market = await LedgerMarket.open(chain)
    const commit = async (input: object, segments: readonly object[]) => {
      const worker = chain.actor('worker')
      return (await chain.send(worker, 'InferenceMarket', 'commitBatch', [input, segments])).result as bigint
    }
    const honest = market.build(3)
    const honestId = await market.commit(honest)
    await until('the honest file is taken', () => publish(honest.built.input['dataHash'], honest.file))

    const { built, file } = market.build(3)
    const { class: proofClass, notAfter } = built.input as { class: number; notAfter: bigint }
    const stolen = fileWith(file, (one, i) => {
      if (i !== 1) return one
      return withEntries(
        one,
        one.entries.map((entry, k) => (k === 1 ? { ...entry, payee: stranger } : entry)),
      )
    })
    const wrong = fileBatch(stolen, built.segments, { class: proofClass, notAfter })
    const wrongId = await commit(wrong.input, wrong.segments)
    const withheldId = await market.commit(market.build(3))
    await until('the wrong file is taken', () => publish(wrong.input['dataHash'], stolen))

    await until('the wrong receipt is void', () => isVoid(wrongId, 1))
    await until('the withheld batch is void', () => isVoid(withheldId, 0))
    expect(await Promise.all([0, 1, 2].map((i) => isVoid(honestId, i)))).toEqual([false, false, false])
    expect(await Promise.all([0, 2].map((i) => isVoid(wrongId, i)))).toEqual([false, false])
    const log = await readFile(join(folder, 'sequencer.log'), 'utf8')
    expect(log).toMatch(/a batch is right.*batch=1\b/)
    expect(log).toMatch(/a batch is wrong.*faults=badEntry/)
  }, 300_000)
})
