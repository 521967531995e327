/** Floods a node and dials again for ever. Usage: tsx scripts/bench/flooder.ts ADDRESS IP KIND; tells its parent what happens. */
import { blockTopic } from '../../protocol/gossip.ts'
import { encodeUvarint } from '../../protocol/uvarint.ts'
import { gossipMessage, presentChain, sealedBlock, strangerKey } from '../../test/fakes/block-net.ts'
import { flood, frame, HostilePeer } from '../../test/fakes/hostile-peer.ts'

const floods = {
  forged: () => distinct(2_000),
  repeated: () => distinct(1),
  garbage: () => [new Uint8Array([...encodeUvarint(20_000), ...new Uint8Array(20_000).fill(0xff)])],
} as const

const [address = '', ip = '', kind = 'forged'] = process.argv.slice(2)
const frames = floods[kind as keyof typeof floods]()
const peer = await HostilePeer.start({ ip })
const stream = await peer.openGossip(address)
process.send?.({ kind: 'flooding', atMs: Date.now() })
await flood(stream, frames, AbortSignal.timeout(20_000))
process.send?.({ kind: 'cut', atMs: Date.now() })
for (;;) {
  await peer.dial(address).catch(() => undefined)
  // Lets the IPC channel close when the parent goes.
  await new Promise((resolve) => setImmediate(resolve))
}

function distinct(count: number): Uint8Array[] {
  const chain = presentChain()
  const topic = blockTopic(chain.l2ChainId, 3)
  return Array.from({ length: count }, (_, i) => {
    const block = sealedBlock(chain, 1_000n, { gasUsed: BigInt(i) })
    return frame({ messages: [{ topic, data: gossipMessage(chain, block, strangerKey) }] })
  })
}
