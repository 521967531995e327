/** What a peer did, as far as the gossip router does not see it. */
export type Deed = keyof typeof workerDeeds

/** Points and caps; below −100 a peer is banned. */
export const workerDeeds = {
  /** A proof pulled whole, a request answered. */
  served: { weight: 0.5, cap: 20 },
  /** Bytes that are no message, or a signature that is not the author's: no honest peer passes them on. The sixth bans. */
  malformed: { weight: -20, cap: 20 },
  /** Of an author that our head does not know: a registration of this minute reaches some nodes later than others. */
  unknownAuthor: { weight: -2, cap: 100 },
  /** Expired on the way, or two messages under one nonce: an honest peer may have seen the other one. Never bans alone. */
  untimely: { weight: -1, cap: 9 },
  /** Messages, or 64 KiB of them, beyond the peer's limit. */
  overLimit: { weight: -1, cap: 200 },
  /** A stream that was opened and not used, or no answer in time. Never bans alone. */
  idle: { weight: -5, cap: 10 },
  /** A proof with bytes that are not the announced ones, a false count, an answer to another question. */
  lied: { weight: -40, cap: 10 },
} as const
