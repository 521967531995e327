import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasAnvil } from '../fakes/anvil.ts'
import { DevNet, type DevNode } from '../fakes/dev-net.ts'

describe.skipIf(!hasAnvil)('sequencer and verifier over anvil (skipped without its binary)', () => {
  let net: DevNet
  let sequencer: DevNode
  let verifier: DevNode

  beforeAll(async () => {
    net = await DevNet.start()
    sequencer = await net.node(net.sequencerOptions())
    verifier = await net.node(net.options('verifier'))
  })
  afterAll(() => net.stop())

  test('a verifier that sees only L1 derives the sequencer’s blocks', async () => {
    const { safeL2 } = await verifier.until(({ safe }) => safe >= 10n)
    expect(await sequencer.blockHash(safeL2.number)).toBe(safeL2.hash)
    await sequencer.until(({ safe }) => safe >= safeL2.number)
    const output = (node: DevNode) =>
      node.rollup.request('optimism_outputAtBlock', [`0x${safeL2.number.toString(16)}`]) as Promise<{
        outputRoot: string
      }>
    expect((await output(verifier)).outputRoot).toBe((await output(sequencer)).outputRoot)
  })

  test('both report ready, and the safe-head database answers', async () => {
    for (const node of [sequencer, verifier]) {
      expect(await (await fetch(`${node.url}/readyz`)).json()).toEqual({ ready: true, reasons: [] })
      expect((await fetch(`${node.url}/healthz`)).status).toBe(200)
      expect(await (await fetch(`${node.url}/metrics`)).text()).toContain('l2_head_number{label="safe"}')
      const { currentL1, safeL2 } = node.running.syncStatus()
      const found = (await node.rollup.request('optimism_safeHeadAtL1Block', [
        `0x${currentL1?.number.toString(16)}`,
      ])) as { safeHead: { number: number } }
      expect(found.safeHead.number).toBeGreaterThanOrEqual(Number(safeL2.number))
    }
  })

  test('a second node on the same directory is refused', async () => {
    await expect(net.node(net.options('verifier'))).rejects.toMatchObject({ code: 'in-use' })
  })

  test('the sequencer is stopped and started over RPC', async () => {
    const hash = await sequencer.rollup.request('admin_stopSequencer')
    const { number } = sequencer.running.syncStatus().unsafeL2
    await new Promise((done) => setTimeout(done, 1500))
    expect(sequencer.running.syncStatus().unsafeL2.number).toBe(number)
    await expect(sequencer.rollup.request('admin_startSequencer', [`0x${'11'.repeat(32)}`])).rejects.toThrow('match')
    await sequencer.rollup.request('admin_startSequencer', [hash])
    await sequencer.until(({ unsafe }) => unsafe > number)
  })

  test('after a restart both go on from where they were', async () => {
    const before = sequencer.running.syncStatus().unsafeL2
    await Promise.all([sequencer.stop(), verifier.stop()])
    sequencer = await net.node(net.sequencerOptions())
    expect(await sequencer.blockHash(before.number)).toBe(before.hash)
    verifier = await net.node(net.options('verifier'))
    const { safeL2 } = await verifier.until(({ safe }) => safe > before.number + 3n)
    expect(await verifier.blockHash(before.number)).toBe(before.hash)
    expect(await sequencer.blockHash(safeL2.number)).toBe(safeL2.hash)
  })

  test('a node stops while L1 does not answer: it waits for none of its retries', async () => {
    const options = net.options('lonely')
    const lonely = await net.node({ ...options, l1: { ...options.l1, urls: ['http://127.0.0.1:1'] } })
    const ready = (await (await fetch(`${lonely.url}/readyz`)).json()) as { reasons: string[] }
    expect(ready.reasons).toContain('L1 was not reached yet')
    await lonely.stop()
  })

  test('an L1 of another chain ends the node with a reason', async () => {
    const options = net.options('stranger')
    const stranger = await net.node({ ...options, rollupConfig: { ...options.rollupConfig, l1ChainId: 1n } })
    await expect(stranger.running.finished).rejects.toMatchObject({ code: 'wrong-chain' })
    await stranger.stop()
  })

  test('a genesis file of another chain is refused', async () => {
    const options = net.options('wrong-genesis')
    const { genesis } = options.rollupConfig
    const l2 = { ...genesis.l2, hash: `0x${'22'.repeat(32)}` as const }
    const rollupConfig = { ...options.rollupConfig, genesis: { ...genesis, l2 } }
    await expect(net.node({ ...options, rollupConfig })).rejects.toMatchObject({ code: 'wrong-genesis' })
  })

  test('an L1 reorg is followed by both', async () => {
    const { unsafeL2: old } = await sequencer.until(({ unsafe }) => unsafe > 8n)
    await net.anvil.rpc.request('anvil_reorg', [5, []])
    const { unsafeL2 } = await sequencer.until(({ unsafe }) => unsafe > old.number + 5n)
    const origin = await net.anvil.rpc.request('eth_getBlockByNumber', [
      `0x${unsafeL2.l1Origin.number.toString(16)}`,
      false,
    ])
    expect(origin).toMatchObject({ hash: unsafeL2.l1Origin.hash })
    for (const node of [sequencer, verifier]) {
      const { currentL1 } = await node.until(
        () => node.running.syncStatus().currentL1?.number === node.running.syncStatus().headL1?.number,
      )
      const block = await net.anvil.rpc.request('eth_getBlockByNumber', [`0x${currentL1?.number.toString(16)}`, false])
      expect(block).toMatchObject({ hash: currentL1?.hash })
    }
  })

  test('batches that the reorg threw out of L1 are posted again', async () => {
    const target = sequencer.running.syncStatus().unsafeL2.number
    const { safeL2 } = await verifier.until(({ safe }) => safe >= target)
    await sequencer.until(({ safe }) => safe >= target)
    expect(await sequencer.blockHash(safeL2.number)).toBe(safeL2.hash)
  })
})
