/** Mesh and timing of op-node. Spec: protocol/rollup-node-p2p.md, "GossipSub configuration". */
export const mesh = {
  D: 8,
  Dlo: 6,
  Dhi: 12,
  Dlazy: 6,
  heartbeatInterval: 500,
  fanoutTTL: 24_000,
  mcacheLength: 12,
  mcacheGossip: 3,
  /** 130 heartbeats. */
  seenTTL: 65_000,
} as const

/** What a peer that reads slowly may have waiting; then it misses messages. */
export const outboundBytesMax = 16 * 1024 * 1024
/** Entries of one RPC that are decoded; the library's own limits are infinite. */
export const rpcLimits = {
  maxSubscriptions: 32,
  maxMessages: 256,
  maxIhaveMessageIDs: 1_000,
  maxIwantMessageIDs: 1_000,
  maxIdontwantMessageIDs: 256,
  maxControlMessages: 256,
  maxPeerInfos: 16,
} as const
/** How long an announced message may take to follow, before the peer that announced it is blamed. */
export const iwantFollowupMs = 12_000
/** Messages from this size on are worth telling others that we have them. */
export const idontwantBytesMin = 16_384

/** Thresholds of op-node's peer scores. */
export const scoreThresholds = {
  gossipThreshold: -10,
  publishThreshold: -40,
  graylistThreshold: -40,
  acceptPXThreshold: 20,
  opportunisticGraftThreshold: 0.05,
} as const

/** Below this a counter counts as zero. */
export const decayToZero = 0.01
/** Slots to an epoch, by op-node's reckoning. */
const slotsPerEpoch = 6
/** Slots in which counters of a peer decay to zero: ten epochs. */
export const decaySlots = 10 * slotsPerEpoch
const retainSlots = 100 * slotsPerEpoch

/** Factor by which a counter shrinks each slot to reach zero after `slots`. */
export function decayFactor(slots: number): number {
  return decayToZero ** (1 / slots)
}

/**
 * op-node's scoring level "light": no scores per topic; what peers do wrong with messages counts in the application score. Many nodes may share a loopback address.
 */
export function peerScoreParams(slotSeconds: number, applicationScore: (peerId: string) => number) {
  return {
    topics: {},
    appSpecificScore: applicationScore,
    appSpecificWeight: 1,
    IPColocationFactorWeight: -35,
    IPColocationFactorThreshold: 10,
    IPColocationFactorWhitelist: new Set(loopbackIps),
    behaviourPenaltyWeight: -16,
    behaviourPenaltyThreshold: 6,
    behaviourPenaltyDecay: decayFactor(decaySlots),
    decayInterval: slotSeconds * 1_000,
    decayToZero,
    retainScore: retainSlots * slotSeconds * 1_000,
  }
}

/** Addresses that all nodes of one machine share: no sign of a swarm, and nothing to ban. */
export const loopbackIps: readonly string[] = ['127.0.0.1', '::1']
