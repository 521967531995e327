/** What a peer did, as far as the gossip router does not see it. */
export type Deed = keyof typeof blockDeeds

/**
 * Weights and caps. The first three are op-node's `LightApplicationScoreParams`. It penalises a refused gossip message
 * nowhere; we count one as a payload refused, so that the sixth bans.
 */
export const blockDeeds = {
  validResponse: { weight: 0.5, cap: 10 },
  errorResponse: { weight: -1, cap: 9 },
  /** A block or message that only a faulty or hostile peer sends. */
  rejectedPayload: { weight: -20, cap: 20 },
  /**
   * A block not signed by the sequencer we know. When the signer changes on L1, some nodes learn it minutes before
   * others: one such block a slot, which an honest peer may then send, never adds up to a ban.
   */
  unknownSigner: { weight: -2, cap: 100 },
  /** A block of the sequencer out of its time: a peer that catches up, or a replay. Never bans alone. */
  untimelyPayload: { weight: -1, cap: 9 },
  /** Messages, or 64 KiB of them, beyond the rate limit. */
  overLimit: { weight: -1, cap: 200 },
} as const
