import { Registry } from 'prom-client'
import { systemClock } from '../../common/clock.ts'
import { silentLog } from '../../common/log.ts'
import type { BlockNetwork, BlockNetworkOptions, BlockNetworkParts } from '../../p2p/blocks/block-network.ts'
import { startBlockNetwork } from '../../p2p/blocks/start.ts'
import type { PeerGater } from '../../p2p/gossip/peer-guard.ts'
import { bytesToHex, concatBytes } from '../../protocol/bytes.ts'
import type { ExecutionPayload, PayloadEnvelope } from '../../protocol/engine-api.ts'
import { encodeGossipBlock, topicVersion } from '../../protocol/gossip.ts'
import { payloadBlockHash } from '../../protocol/payload-block.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { privateKeyAddress, signDigest } from '../../protocol/secp256k1.ts'
import { address, hash, testRollupConfig } from './rollup-config.ts'
import { until } from './until.ts'

export const sequencerKey = new Uint8Array(32).fill(7)
export const strangerKey = new Uint8Array(32).fill(8)
const sequencer = bytesToHex(privateKeyAddress(sequencerKey))

/** A chain with 1 s blocks whose block 1000 is of the present. */
export function presentChain(change: Partial<RollupConfig> = {}): RollupConfig {
  const base = testRollupConfig()
  const l2Time = BigInt(Math.floor(Date.now() / 1_000)) - 1_000n
  return { ...base, blockTime: 1n, genesis: { ...base.genesis, l2Time }, ...change }
}

/** A block of the chain with a hash that is right; nobody could execute it. */
export function sealedBlock(
  chain: RollupConfig,
  number: bigint,
  change: Partial<ExecutionPayload> = {},
): PayloadEnvelope {
  const payload: ExecutionPayload = {
    parentHash: hash(number),
    feeRecipient: address(0x11),
    stateRoot: hash(1),
    receiptsRoot: hash(2),
    logsBloom: new Uint8Array(256),
    prevRandao: hash(3),
    blockNumber: number,
    gasLimit: 30_000_000n,
    gasUsed: 21_000n,
    timestamp: chain.genesis.l2Time + number * chain.blockTime,
    extraData: new Uint8Array(17),
    baseFeePerGas: 7n,
    blockHash: hash(0),
    transactions: [new Uint8Array(100).fill(0x7e)],
    withdrawals: [],
    blobGasUsed: 0n,
    excessBlobGas: 0n,
    withdrawalsRoot: hash(4),
    ...change,
  }
  const unsealed = { executionPayload: payload, parentBeaconBlockRoot: hash(5) }
  const blockHash = change.blockHash ?? payloadBlockHash(unsealed, chain.forkTimes)
  return { ...unsealed, executionPayload: { ...payload, blockHash } }
}

/** The message that gossip carries for a block. */
export function gossipMessage(chain: RollupConfig, envelope: PayloadEnvelope, key = sequencerKey): Uint8Array {
  const version = topicVersion(chain.forkTimes, envelope.executionPayload.timestamp)
  return encodeGossipBlock(envelope, version, chain.l2ChainId, key)
}

/** Remembers bans, and holds to them. */
export class FakeGater implements PeerGater {
  readonly bans = new Map<string, number>()
  readonly isDenied = (peerIdOrIp: string) => this.bans.has(peerIdOrIp)
  readonly ban = (peerId: string, ip: string | undefined, durationMs: number) => {
    this.bans.set(peerId, durationMs)
    if (ip !== undefined) this.bans.set(ip, durationMs)
  }
}

export type TestNode = {
  readonly network: BlockNetwork
  readonly gater: FakeGater
  readonly metrics: Registry
  /** Blocks gossip brought, and from whom. */
  readonly received: { readonly envelope: PayloadEnvelope; readonly from: string }[]
}

let nodes = 0

/** A node on loopback; a `sequencer` signs. Stop it with `node.network.stop()`. */
export async function startNode(
  chain: RollupConfig,
  change: Partial<BlockNetworkOptions> & Partial<BlockNetworkParts> & { readonly sequencer?: boolean } = {},
): Promise<TestNode> {
  const gater = new FakeGater()
  const metrics = new Registry()
  const received: { envelope: PayloadEnvelope; from: string }[] = []
  const { sequencer: signs = false, ...rest } = change
  const network = await startBlockNetwork(
    {
      rollup: chain,
      listenIp: '127.0.0.1',
      listenPort: 0,
      privateKey: nextKey(),
      staticPeers: [],
      // The present of a chain made when a file begins lasts as long as its tests.
      gossipAgeSecondsMax: 600,
      ...rest,
    },
    {
      log: silentLog,
      clock: systemClock,
      metrics,
      gater,
      blockSigners: () => [sequencer],
      payloadByNumber: async () => undefined,
      onBlock: (envelope, from) => void received.push({ envelope, from }),
      ...(signs ? { sign: signBlock } : {}),
      ...rest,
    },
  )
  return { network, gater, metrics, received }
}

export async function signBlock(digest: Uint8Array): Promise<Uint8Array> {
  const { rs, yParity } = signDigest(digest, sequencerKey)
  return concatBytes(rs, Uint8Array.of(yParity))
}

/** A network key nobody else has. */
export function nextKey(): Uint8Array {
  nodes++
  const key = new Uint8Array(32).fill(0x33)
  new DataView(key.buffer).setUint32(0, nodes)
  new DataView(key.buffer).setUint32(4, process.pid)
  return key
}

/** Where to dial a node. */
export function addressOf(node: { readonly network: BlockNetwork }): string {
  const [first] = node.network.addresses()
  if (first === undefined) throw new Error('the node does not listen')
  return first
}

/** Value of a counter with these labels. */
export async function metric(registry: Registry, name: string, labels: Record<string, string> = {}): Promise<number> {
  const found = await registry.getSingleMetric(name)?.get()
  const values = found?.values ?? []
  return values
    .filter((value) =>
      Object.entries(labels).every(([key, wanted]) => String(Reflect.get(value.labels, key)) === wanted),
    )
    .reduce((sum, { value }) => sum + value, 0)
}

/** Waits until each node has `count` peers in the mesh of the newest topic. */
export async function meshed(nodes: readonly TestNode[], count: (node: TestNode) => number = () => 1): Promise<void> {
  for (const node of nodes) {
    await until(async () => (await metric(node.metrics, 'p2p_gossip_mesh_peers', { topic: '3' })) >= count(node))
  }
}
