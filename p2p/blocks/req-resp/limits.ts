import { gossipBytesMax } from '../../../protocol/gossip.ts'
import type { RateLimit } from '../../token-bucket.ts'

/** Limits of `payload_by_number`, op-node's. Client and server hold the same ones, so that neither waits for long. */
export const globalLimit: RateLimit = { perSecond: 20, burst: 40 }
export const peerLimit: RateLimit = { perSecond: 4, burst: 15 }
/** A request that would wait longer is refused. */
export const throttleMsMax = 20_000
/** Time to open a stream. */
export const openMsMax = 5_000
/** Time to read a request, or to write or read a response. */
export const transferMsMax = 10_000
/** A response as it goes over the wire; what does not compress grows by 8 bytes each 64 KiB. */
export const responseBytesMax = gossipBytesMax + 16_384
/** Peers whose buckets are kept. */
export const peersMax = 1_000
