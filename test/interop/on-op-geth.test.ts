import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasAnvil } from '../fakes/anvil.ts'
import { InteropNet } from './net.ts'
import { hasGo, OpGeth } from './op-geth-process.ts'
import { OurNode, sequencing } from './our-node.ts'
import { type Status, statusOf, until } from './rollup-status.ts'
import { expectSameChain } from './same-chain.ts'
import { Traffic } from './traffic.ts'

/** Blocks that the sequencer must have behind it before anything is compared. */
const blocksMin = 300
/** Age of the chain when it starts, seconds. */
const ageSeconds = 320
/** op-geth keeps the newest states in memory only and loses them with a kill. */
const forgetful = ['--gcmode', 'full']

describe.skipIf(!hasGo || !hasAnvil)('our node on op-geth, and on its own engine (skipped without Go or anvil)', () => {
  let net: InteropNet
  let geth: OpGeth
  let onGeth: OurNode
  let embedded: OurNode
  let traffic: Traffic

  beforeAll(async () => {
    net = await InteropNet.start(ageSeconds)
    geth = await OpGeth.start({ genesis: net.genesis, dir: net.folder('op-geth'), args: forgetful })
    onGeth = await OurNode.make(net, 'on-op-geth', geth)
    embedded = await OurNode.make(net, 'embedded')
    traffic = new Traffic(net, geth.eth.url)
    await onGeth.start(...sequencing, '--batcher.data-availability-type', 'blobs')
    await embedded.start()
  })

  afterAll(async () => {
    await Promise.all([onGeth?.kill(), embedded?.kill(), geth?.kill()])
    await net?.stop()
  })

  /** What was safe is derived again; only then are the senders' nonces what they were. */
  const safeAgain = (before: Status) =>
    until(onGeth, ({ safe_l2 }) => safe_l2.number > before.safe_l2.number, 'derives again')
  const sameChain = (rounds: number) => expectSameChain({ net, traffic, sequencer: onGeth }, [embedded], rounds)

  test('300 blocks built by op-geth, in blobs: the embedded engine executes each to the same hash', async () => {
    await until(onGeth, ({ unsafe_l2 }) => unsafe_l2.number > blocksMin, 'builds')
    await sameChain(6)
    const { safe_l2 } = await statusOf(embedded)
    expect(safe_l2.number).toBeGreaterThan(blocksMin)
  })

  test('the same in calldata, after a restart', async () => {
    await onGeth.stop()
    await onGeth.start(...sequencing, '--batcher.data-availability-type', 'calldata')
    await sameChain(3)
  })

  test('op-geth killed and restarted under the sequencer: it goes on with what op-geth still has', async () => {
    await geth.froze()
    const before = await statusOf(onGeth)
    await geth.kill()
    await new Promise((done) => setTimeout(done, 3_000))
    await geth.restart()
    await safeAgain(before)
    await sameChain(3)
  })

  test('sequencer and op-geth killed together', async () => {
    await geth.froze()
    const before = await statusOf(onGeth)
    await Promise.all([onGeth.kill(), geth.kill()])
    await geth.restart()
    await onGeth.start(...sequencing, '--batcher.data-availability-type', 'blobs')
    await safeAgain(before)
    await sameChain(3)
  })

  test('an L1 reorg of six blocks', async () => {
    await net.anvil.rpc.request('anvil_reorg', [6, []])
    await sameChain(2)
  })

  test('the reverse: the embedded engine builds, op-geth executes', async () => {
    const { unsafe_l2 } = await statusOf(onGeth)
    await onGeth.stop()
    await until(embedded, ({ unsafe_l2: head }) => head.number > 0, 'answers')
    await embedded.stop()
    await embedded.start(...sequencing, '--batcher.data-availability-type', 'auto')
    await onGeth.start()
    traffic = new Traffic(net, embedded.eth.url)
    await until(embedded, ({ unsafe_l2: head }) => head.number > unsafe_l2.number + 10, 'builds')
    await expectSameChain({ net, traffic, sequencer: embedded }, [onGeth], 4)
  })

  test('op-geth killed under a verifier', async () => {
    await geth.froze()
    await geth.kill()
    await geth.restart()
    await expectSameChain({ net, traffic, sequencer: embedded }, [onGeth], 2)
  })

  test('a wrong secret, and an engine of another genesis, are named', async () => {
    const timestamp = `0x${(BigInt(String(net.genesis['timestamp'])) + 1n).toString(16)}`
    const engines = [
      { name: 'secret', genesis: net.genesis, jwtSecret: new Uint8Array(32).fill(8), words: 'is not the engine' },
      { name: 'genesis', genesis: { ...net.genesis, timestamp }, words: 'the rollup config begins at' },
    ]
    for (const { name, words, ...options } of engines) {
      const engine = await OpGeth.start({ ...options, dir: net.folder(`other-${name}-geth`) })
      try {
        const node = await OurNode.make(net, `other-${name}`, engine)
        await expect(node.start()).rejects.toThrow(words)
      } finally {
        await engine.kill()
      }
    }
  })
})
