import type { RateLimit } from '../../token-bucket.ts'

/** Pulls of one peer at a time, served and asked, and of all. */
export const pullsPerPeerMax = 2
export const pullsMax = 16
/** Requests of one peer. */
export const requestRate: RateLimit = { perSecond: 4, burst: 16 }
/** Time to the first byte, and from one piece to the next. */
export const pieceMsMax = 10_000
/** A pull takes `pieceMsMax` and the time of its bytes at this rate: 8 MiB in half a minute. */
export const bytesPerSecondMin = 262_144
/** What a server that is busy tells its peer to wait. */
export const busyMs = 1_000
/** Announcements in one frame of a list. */
export const listedPerFrame = 128
/** Peers whose buckets are kept. */
export const peersMax = 1_000

export function pullMsMax(size: number): number {
  return pieceMsMax + Math.ceil((size / bytesPerSecondMin) * 1_000)
}
