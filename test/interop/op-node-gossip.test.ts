import { afterAll, beforeAll, describe, test } from 'vitest'
import { hasAnvil } from '../fakes/anvil.ts'
import type { GoProgram } from './go-programs.ts'
import { InteropNet } from './net.ts'
import { hasGo, OpGeth } from './op-geth-process.ts'
import { OpNode } from './op-node-process.ts'
import { batching, OurNode, sequencing } from './our-node.ts'
import { expectFollowsUnsafe, p2pFlags, reach } from './p2p-peers.ts'
import { statusOf, until } from './rollup-status.ts'
import { expectSameChain } from './same-chain.ts'
import { Traffic } from './traffic.ts'

/** Blocks are gossiped for a minute after their time: this chain is young, so that only few are too old. */
const genesisAgeSeconds = 40
/** Sequences without a batcher: whoever has its blocks got them from a peer. */
const quietly = ['--sequencer.enabled', '--sequencer.l1-confs', '1']

describe.skipIf(!hasGo || !hasAnvil)('block p2p with op-node (skipped without Go or anvil)', () => {
  let net: InteropNet
  const stops: (() => Promise<void>)[] = []

  beforeAll(async () => {
    net = await InteropNet.start(genesisAgeSeconds)
  })
  afterAll(async () => {
    await Promise.all(stops.map((stop) => stop()))
    await net?.stop()
  })

  async function opNode(program: GoProgram, name: string): Promise<OpNode> {
    const geth = await OpGeth.start({ genesis: net.genesis, dir: net.folder(`${name}-geth`) })
    const node = await OpNode.make(net, { name, program, engine: geth })
    stops.push(
      () => node.kill(),
      () => geth.kill(),
    )
    return node
  }

  async function ourNode(name: string): Promise<OurNode> {
    const node = await OurNode.make(net, name)
    stops.push(() => node.kill())
    return node
  }

  describe('we sequence', () => {
    let sequencer: OurNode
    let follower: OpNode
    let flags: readonly string[]

    beforeAll(async () => {
      sequencer = await ourNode('ours')
      flags = await p2pFlags(net.folder('ours-p2p'))
      await sequencer.start(...sequencing, ...flags)
      follower = await opNode('op-node-latest', 'follower')
      const { multiaddr } = await reach(sequencer)
      await follower.start(...(await p2pFlags(net.folder('follower'), { static: [multiaddr] })))
      await followsGossipOnly()
    })

    /** An op-node without the req/resp client has blocks from gossip or from L1: what it missed must come from there. */
    async function followsGossipOnly(): Promise<void> {
      const { unsafe_l2 } = await statusOf(sequencer)
      const caughtUp = Math.max(unsafe_l2.number, genesisAgeSeconds)
      await until(follower, ({ safe_l2 }) => safe_l2.number > caughtUp, 'derives what came before')
      await sequencer.rollup.request('admin_stopBatcher')
    }

    test('op-node follows our gossip', async () => {
      await expectFollowsUnsafe(sequencer, follower)
    })

    test('a late op-node catches up from our req/resp', async () => {
      const late = await opNode('op-node', 'late-op-node')
      const { multiaddr } = await reach(sequencer)
      const p2p = await p2pFlags(net.folder('late-op-node'), { static: [multiaddr] })
      await late.start(...p2p, '--syncmode.req-resp')
      await expectFollowsUnsafe(sequencer, late)
    })

    test('a late node of ours catches up from op-node’s req/resp', async () => {
      const late = await ourNode('late-ours')
      const { multiaddr } = await reach(follower)
      await late.start(...(await p2pFlags(net.folder('late-ours-p2p'), { static: [multiaddr] })))
      await expectFollowsUnsafe(sequencer, late)
    })

    test('an op-node finds our node through discovery, with nothing but its ENR', async () => {
      const boot = await ourNode('bootnode')
      const { multiaddr } = await reach(sequencer)
      await boot.start(...(await p2pFlags(net.folder('bootnode-p2p'), { bootnodes: [], static: [multiaddr] })))
      const found = await opNode('op-node', 'finder')
      const { enr } = await reach(boot)
      await found.start(...(await p2pFlags(net.folder('finder'), { bootnodes: [enr] })), '--syncmode.req-resp')
      await expectFollowsUnsafe(sequencer, found)
    })

    test('after a kill -9 of our sequencer op-node follows it again', async () => {
      await sequencer.kill()
      // Ours dials: op-node looks for a static peer that went away once a minute.
      const { multiaddr } = await reach(follower)
      await sequencer.start(...sequencing, ...flags, '--p2p.static', multiaddr)
      await followsGossipOnly()
      await expectFollowsUnsafe(sequencer, follower)
    })

    test('what was gossiped becomes safe as it was', async () => {
      await sequencer.rollup.request('admin_startBatcher')
      await expectSameChain({ net, traffic: new Traffic(net, sequencer.eth.url), sequencer }, [follower], 2)
      await sequencer.kill()
    })
  })

  describe('op-node sequences', () => {
    let sequencer: OpNode
    let ours: OurNode
    let flags: readonly string[]
    let p2p: readonly string[]

    beforeAll(async () => {
      sequencer = await opNode('op-node-latest', 'op-sequencer')
      flags = await p2pFlags(net.folder('op-sequencer'))
      await sequencer.start(...quietly, '--sequencer.stopped', ...flags)
      // What it sequenced beside the batches that stand on L1 already, these would replace.
      const l1Head = Number(await net.anvil.rpc.request('eth_blockNumber'))
      const { unsafe_l2 } = await until(sequencer, ({ current_l1 }) => current_l1.number >= l1Head, 'derives')
      await sequencer.rollup.request('admin_startSequencer', [unsafe_l2.hash])
      ours = await ourNode('our-verifier')
      const { multiaddr } = await reach(sequencer)
      // The batcher of a node that does not sequence: it posts what gossip brought.
      p2p = await p2pFlags(net.folder('our-verifier-p2p'), { static: [multiaddr] })
      await ours.start(...batching, ...p2p)
    })

    test('our node follows op-node’s gossip, and its batcher posts what it got', async () => {
      await expectSameChain({ net, traffic: new Traffic(net, sequencer.eth.url), sequencer }, [ours], 3)
    })

    test('after a kill -9 our node follows again, with no batches on L1', async () => {
      await ours.kill()
      await ours.start(...p2p)
      await expectFollowsUnsafe(sequencer, ours)
    })

    test('after a kill -9 of op-node our node follows it again', async () => {
      await sequencer.kill()
      await sequencer.start(...quietly, ...flags)
      await expectFollowsUnsafe(sequencer, ours)
    })
  })
})
