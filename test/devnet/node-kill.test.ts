import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasAnvil } from '../fakes/anvil.ts'
import { DevNet } from '../fakes/dev-net.ts'
import { type NodeProcess, startNodeProcess } from '../fakes/node-process.ts'

type Block = { readonly number: string; readonly hash: string }
type Status = { readonly unsafe_l2: { readonly number: number }; readonly safe_l2: { readonly number: number } }

describe.skipIf(!hasAnvil)('nodes that are killed (skipped without anvil’s binary)', () => {
  let net: DevNet
  let folder: string
  const running = new Map<string, NodeProcess>()

  beforeAll(async () => {
    net = await DevNet.start()
    folder = await mkdtemp(join(tmpdir(), 'node-kill-'))
  })
  afterAll(async () => {
    for (const node of running.values()) await node.kill()
    await net.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const optionsOf = (name: string) => (name === 'sequencer' ? net.sequencerOptions() : net.options(name))
  const start = async (name: string) => {
    const node = await startNodeProcess(optionsOf(name), folder, name)
    running.set(name, node)
    return node
  }
  const nodeOf = (name: string) => {
    const node = running.get(name)
    if (node === undefined) throw new Error(`${name} does not run`)
    return node
  }
  const latest = async (node: NodeProcess) =>
    (await node.eth.request('eth_getBlockByNumber', ['latest', false])) as Block
  const status = async (name: string) => (await nodeOf(name).rollup.request('optimism_syncStatus')) as Status
  const until = async (what: string, isTrue: () => Promise<boolean>) => {
    for (const end = Date.now() + 45_000; Date.now() < end; await new Promise((done) => setTimeout(done, 100))) {
      if (await isTrue()) return
    }
    throw new Error(`${what} did not come`)
  }

  test('come back with every block they showed, and agree again', async () => {
    for (const name of ['sequencer', 'verifier']) await start(name)
    await until('a safe head', async () => (await status('verifier')).safe_l2.number > 2)
    for (const [round, waitMs] of [700, 120, 1300, 410].entries()) {
      await new Promise((done) => setTimeout(done, waitMs))
      const name = round % 2 === 0 ? 'sequencer' : 'verifier'
      const shown = await latest(nodeOf(name))
      await nodeOf(name).kill()
      const again = await start(name)
      expect(await again.eth.request('eth_getBlockByNumber', [shown.number, false])).toMatchObject({ hash: shown.hash })
    }
    const target = (await status('sequencer')).unsafe_l2.number + 3
    await until('agreement', async () => (await status('verifier')).safe_l2.number >= target)
    const number = `0x${target.toString(16)}`
    const [a, b] = await Promise.all(
      ['sequencer', 'verifier'].map((name) => nodeOf(name).eth.request('eth_getBlockByNumber', [number, false])),
    )
    expect((a as Block).hash).toBe((b as Block).hash)
  })
})
