import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort, hasAnvil } from '../fakes/anvil.ts'
import { InteropNet } from './net.ts'
import { hasGo, OpGeth } from './op-geth-process.ts'
import { OurNode } from './our-node.ts'
import { expectFollowsUnsafe, p2pFlags, reach } from './p2p-peers.ts'
import { statusOf, until } from './rollup-status.ts'

/** Blocks behind the sequencer when the other node joins. */
const ageSeconds = 120
/** How far below the synced tip the safe head begins. */
const safeLagSeconds = 30

describe.skipIf(!hasGo || !hasAnvil)('execution-layer sync with op-geth (skipped without Go or anvil)', () => {
  let net: InteropNet
  const stops: (() => Promise<void>)[] = []

  beforeAll(async () => {
    net = await InteropNet.start(ageSeconds)
  })
  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop()
    await net?.stop()
  })

  /** An op-geth that talks to others, and a node on it. No batcher anywhere: L1 tells nothing of the chain. */
  async function pair(name: string): Promise<{ readonly geth: OpGeth; readonly node: OurNode }> {
    const port = String(await freePort())
    const geth = await OpGeth.start({
      genesis: net.genesis,
      dir: net.folder(`${name}-geth`),
      args: ['--maxpeers', '5', '--port', port, '--http.api', 'eth,debug,net,txpool,web3,admin'],
    })
    const node = await OurNode.make(net, name, geth)
    stops.push(
      () => geth.kill(),
      () => node.kill(),
    )
    return { geth, node }
  }

  test('a fresh op-geth fetches the chain from its peers once it has the tip; safe begins below, gossip goes on', async () => {
    const sequencer = await pair('sequencer')
    const gossip = await p2pFlags(net.folder('sequencer-p2p'))
    await sequencer.node.start('--sequencer.enabled', '--sequencer.l1-confs', '1', ...gossip)
    await until(sequencer.node, ({ unsafe_l2 }) => unsafe_l2.number > ageSeconds, 'builds')

    const late = await pair('late')
    const { enode } = (await sequencer.geth.eth.request('admin_nodeInfo')) as { readonly enode: string }
    await late.geth.eth.request('admin_addPeer', [enode.replace(/@[^:]+:/, '@127.0.0.1:')])
    const { multiaddr } = await reach(sequencer.node)
    await late.node.start(
      ...['--syncmode', 'execution-layer', '--syncmode.offset-el-safe', `${safeLagSeconds}s`],
      ...['--syncmode.req-resp=false', ...(await p2pFlags(net.folder('late-p2p'), { static: [multiaddr] }))],
    )
    await until(late.node, ({ unsafe_l2 }) => unsafe_l2.number > ageSeconds, 'syncs')
    const { unsafe_l2, safe_l2, finalized_l2 } = await statusOf(late.node)
    expect(safe_l2.number).toBe(finalized_l2.number)
    expect(safe_l2.number).toBeGreaterThan(0)
    expect(unsafe_l2.number - safe_l2.number).toBeGreaterThanOrEqual(safeLagSeconds)
    await expectFollowsUnsafe(sequencer.node, late.node)
  })
})
