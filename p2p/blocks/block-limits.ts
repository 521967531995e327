import { gossipBytesMax } from '../../protocol/gossip.ts'
import type { PeerLimits } from '../gossip/rate-limits.ts'

/** Bytes of an RPC: the largest message and room for what goes with it. */
export const frameBytesMax = gossipBytesMax + 2 * 1024 * 1024

/** Gossip of blocks accepted from one peer. */
export const blockLimits: PeerLimits = {
  /** A chain has a block a second at most, and a sequencer that catches up has some tens. */
  messages: { perSecond: 50, burst: 256 },
  /** The largest message each second, and a few at once. */
  bytes: { perSecond: 1.2 * gossipBytesMax, burst: 48 * 1024 * 1024 },
  /** Announcements of three windows each heartbeat for four topics are below a hundred. */
  control: { perSecond: 200, burst: 2_000 },
  /** A message each, and two heartbeats a second. */
  frames: { perSecond: 100, burst: 512 },
}
