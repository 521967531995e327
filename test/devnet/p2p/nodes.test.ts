import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../../common/clock.ts'
import { devPrivateKeys } from '../../../common/dev-keys.ts'
import { silentLog } from '../../../common/log.ts'
import type { NodeOptions, P2pOptions } from '../../../node/node-options.ts'
import type { BlockNetwork } from '../../../p2p/blocks/block-network.ts'
import { startBlockNetwork } from '../../../p2p/blocks/start.ts'
import { concatBytes, hexToBytes, zeroHash } from '../../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { payloadBlockHash } from '../../../protocol/payload-block.ts'
import { signDigest } from '../../../protocol/secp256k1.ts'
import { freePort } from '../../fakes/anvil.ts'
import { DevNet, type DevNode } from '../../fakes/dev-net.ts'
import { type NodeProcess, startNodeProcess } from '../../fakes/node-process.ts'

/** No batcher anywhere: what a follower has beyond genesis, peers gave it. */
let net: DevNet
const nodes: DevNode[] = []
const processes: NodeProcess[] = []

// A young chain for each test: an old one must be caught up with first, at the pace that peers serve it.
beforeEach(async () => {
  net = await DevNet.start()
})
afterEach(async () => {
  await Promise.all(processes.splice(0).map((node) => node.kill()))
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
  await net.stop()
})

type P2pChange = Partial<P2pOptions> & { readonly signs?: boolean }

function sequencerOptions(name: string, change: P2pChange = {}): NodeOptions {
  const p2p = net.p2p(name, { signs: true, ...change })
  return net.sequencerOptions(name, { batcher: undefined, p2p })
}

async function start(options: NodeOptions): Promise<DevNode> {
  const node = await net.node(options)
  nodes.push(node)
  return node
}

const follower = async (name: string, change: P2pChange = {}) =>
  start(net.options(name, { p2p: net.p2p(name, change) }))

async function stop(node: DevNode): Promise<void> {
  nodes.splice(nodes.indexOf(node), 1)
  await node.stop()
}

const unsafeOf = (node: DevNode) => node.running.syncStatus().unsafeL2
const call = (node: DevNode, method: string, ...params: unknown[]) => node.rollup.request(`opp2p_${method}`, params)

async function until(isTrue: () => boolean | Promise<boolean>, msMax = 60_000): Promise<void> {
  const end = Date.now() + msMax
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error('it does not come true')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('a follower has the sequencer’s blocks by gossip, half of them long before the next one', async () => {
  const sequencer = await start(sequencerOptions('gossip-seq'))
  const node = await follower('gossip-follower', { staticPeers: [await sequencer.p2pAddress()] })
  await node.until(({ unsafe }) => unsafe > 2n && unsafe === unsafeOf(sequencer).number)
  const delays: number[] = []
  for (let last = unsafeOf(sequencer).number; delays.length < 12; ) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    if (unsafeOf(sequencer).number === last) continue
    last = unsafeOf(sequencer).number
    const atMs = performance.now()
    while (unsafeOf(node).number < last) await new Promise((resolve) => setTimeout(resolve, 1))
    delays.push(performance.now() - atMs)
  }
  const median = delays.toSorted((a, b) => a - b)[6] ?? Number.POSITIVE_INFINITY
  process.stdout.write(`unsafe head delay ms: ${delays.map(Math.round).join(' ')}\n`)
  expect(median).toBeLessThan(Number(net.rollupConfig.blockTime) * 250)
  const number = unsafeOf(node).number
  expect(await node.blockHash(number)).toBe(await sequencer.blockHash(number))
  expect(node.running.syncStatus().safeL2.number).toBe(0n)
})

test('a late joiner has the whole unsafe chain from two peers, and goes on by gossip', async () => {
  const sequencer = await start(sequencerOptions('late-seq'))
  await sequencer.until(({ unsafe }) => unsafe > 30n, 60_000)
  const relay = await follower('late-relay', { staticPeers: [await sequencer.p2pAddress()] })
  await relay.until(({ unsafe }) => unsafe >= unsafeOf(sequencer).number - 1n)
  const staticPeers = [await sequencer.p2pAddress(), await relay.p2pAddress()]
  const joiner = await follower('late-joiner', { staticPeers })
  await joiner.until(({ unsafe }) => unsafe > 30n && unsafe >= unsafeOf(sequencer).number - 1n)
  expect(await joiner.blockHash(17n)).toBe(await sequencer.blockHash(17n))
  // It also serves what it fetched, and gossip reaches it without the sequencer.
  const before = unsafeOf(joiner).number
  await joiner.until(({ unsafe }) => unsafe > before + 2n)
})

test('blocks of a key that L1 does not name are ignored, and who floods them is banned, also after a restart', async () => {
  const honest = await start(sequencerOptions('forged-honest'))
  const node = await follower('forged-follower', { staticPeers: [await honest.p2pAddress()] })
  await node.until(({ unsafe }) => unsafe > 2n && unsafe === unsafeOf(honest).number)
  const forger = await startForger()
  try {
    await forger.connect(await node.p2pAddress())
    await until(() => forger.topicPeers()[3] > 0)
    // Of now, with their own hash, at heights that no honest block has: only the signature is wrong.
    for (let i = 0; i < 200 && forger.peers().length > 0; i++) await forger.publish(forgedBlock(i)).catch(() => 0)
    const banned = async () => (await call(node, 'listBlockedPeers')) as readonly string[]
    await until(async () => (await banned()).includes(forger.peerId))
    const number = unsafeOf(node).number
    expect(await node.blockHash(number)).toBe(await honest.blockHash(number))
    expect(await call(node, 'peers', true)).toMatchObject({ totalConnected: 1, bannedPeers: [forger.peerId] })
    await stop(node)
    const again = await follower('forged-follower')
    expect(await call(again, 'listBlockedPeers')).toEqual([forger.peerId])
    await forger.connect(await again.p2pAddress()).catch(() => undefined)
    await until(() => forger.peers().length === 0)
    await call(again, 'unblockPeer', forger.peerId)
    await forger.connect(await again.p2pAddress())
    await until(() => forger.topicPeers()[3] > 0)
  } finally {
    await forger.stop()
  }
})

test('a follower that is killed catches up when it is back; a sequencer that is killed is found again', async () => {
  const options = sequencerOptions('kill-seq')
  const listen = { ip: '127.0.0.1', tcp: await freePort(), udp: 0 }
  const p2p = net.p2p('kill-seq', { signs: true, listen })
  const seq = await startNodeProcess({ ...options, p2p }, net.folder, 'kill-seq')
  processes.push(seq)
  const { addresses } = (await seq.rollup.request('opp2p_self', [])) as { readonly addresses: readonly string[] }
  const peer = net.options('kill-node', { p2p: net.p2p('kill-node', { staticPeers: [...addresses] }) })
  const node = await startNodeProcess(peer, net.folder, 'kill-node')
  processes.push(node)
  await until(async () => (await unsafe(node)) > 5n)
  await node.kill()
  const atKill = await unsafe(seq)
  await until(async () => (await unsafe(seq)) > atKill + 10n)
  const back = await startNodeProcess(peer, net.folder, 'kill-node')
  processes.push(back)
  await until(async () => (await unsafe(back)) > atKill + 10n)
  await seq.kill()
  const again = await startNodeProcess({ ...options, p2p }, net.folder, 'kill-seq')
  processes.push(again)
  const restarted = await unsafe(again)
  await until(async () => (await unsafe(back)) > restarted + 5n)
}, 240_000)

test('nodes find each other by discovery through one bootnode', async () => {
  const sequencer = await start(sequencerOptions('disc-seq', { discovery: true }))
  const { ENR } = (await call(sequencer, 'self')) as { readonly ENR: string }
  const a = await follower('disc-a', { discovery: true, bootnodes: [ENR] })
  const b = await follower('disc-b', { discovery: true, bootnodes: [ENR] })
  for (const node of [a, b, sequencer]) {
    await until(async () => ((await call(node, 'peerStats')) as { connected: number }).connected === 2)
  }
  await Promise.all([a, b].map((node) => node.until(({ unsafe }) => unsafe > 0n)))
  const idOfA = ((await call(a, 'self')) as { readonly peerID: string }).peerID
  const known = { chainID: 901, gossipBlocks: true, ENR: expect.stringMatching(/^enr:/) }
  await vi.waitFor(async () => {
    const seen = (await call(b, 'peers', true)) as { readonly peers: Record<string, unknown> }
    expect(seen.peers[idOfA]).toMatchObject(known)
  }, 60_000)
})

/** A peer that signs blocks with a key of its own. */
function startForger(): Promise<BlockNetwork> {
  return startBlockNetwork(
    {
      rollup: net.rollupConfig,
      listenIp: '127.0.0.1',
      listenPort: 0,
      privateKey: new Uint8Array(32).fill(7),
      staticPeers: [],
    },
    {
      log: silentLog,
      clock: systemClock,
      metrics: new Registry(),
      gater: { isDenied: () => false, ban: () => undefined },
      blockSigners: () => [],
      sign: async (digest) => {
        const { rs, yParity } = signDigest(digest, hexToBytes(devPrivateKeys[9]))
        return concatBytes(rs, Uint8Array.of(yParity))
      },
      payloadByNumber: async () => undefined,
      onBlock: () => undefined,
    },
  )
}

/** A block of this second whose height no honest block has. */
function forgedBlock(i: number): PayloadEnvelope {
  const executionPayload = {
    ...emptyPayload,
    blockNumber: BigInt(1_000_000 + i),
    timestamp: BigInt(Math.floor(Date.now() / 1_000)),
  }
  const envelope = { executionPayload, parentBeaconBlockRoot: zeroHash }
  const blockHash = payloadBlockHash(envelope, net.rollupConfig.forkTimes)
  return { ...envelope, executionPayload: { ...executionPayload, blockHash } }
}

const emptyPayload = {
  parentHash: zeroHash,
  feeRecipient: `0x${'00'.repeat(20)}`,
  stateRoot: zeroHash,
  receiptsRoot: zeroHash,
  logsBloom: new Uint8Array(256),
  prevRandao: zeroHash,
  gasLimit: 30_000_000n,
  gasUsed: 0n,
  extraData: new Uint8Array(17),
  baseFeePerGas: 1n,
  blockHash: zeroHash,
  transactions: [],
  withdrawals: [],
  blobGasUsed: 0n,
  excessBlobGas: 0n,
  withdrawalsRoot: zeroHash,
} as const

async function unsafe({ rollup }: NodeProcess): Promise<bigint> {
  const status = (await rollup.request('optimism_syncStatus', [])) as {
    readonly unsafe_l2: { readonly number: number }
  }
  return BigInt(status.unsafe_l2.number)
}
