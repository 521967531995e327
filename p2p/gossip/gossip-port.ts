/** What our gossip needs of a gossip library, so that the library can be replaced. */
export type GossipPort = {
  /** Sends a message whose id is known; resolves to the number of peers it went to at once. */
  readonly publish: (topic: string, data: Uint8Array, id: Uint8Array) => Promise<number>
  /** The router's score of a peer, application score included; 0 for a stranger. */
  readonly score: (peerId: string) => number
  /** The peer has a gossip stream to us that works. */
  readonly isReading: (peerId: string) => boolean
  readonly subscribers: (topic: string) => readonly string[]
  /** Peers a message of the topic is forwarded to. */
  readonly meshPeers: (topic: string) => readonly string[]
}

/** What a peer sent in one RPC. */
export type RpcSize = {
  readonly messages: number
  /** Of the messages' data, counted as they declare to be when decompressed. */
  readonly bytes: number
  /** Subscriptions and ids and topics of control messages. */
  readonly controlEntries: number
}

/** How a peer breaks the rules of the wire: a signed message, one on a topic that is not allowed, a frame that is no RPC. */
export type Violation = 'signed' | 'topic' | 'encoding'

/** What the library asks of us. `Examined` is what `examine` finds out about a message. */
export type GossipHandlers<Examined extends { readonly id: Uint8Array }> = {
  /** Before a frame is decoded; false drops it. */
  readonly admitFrame: (from: string, bytes: number) => boolean
  /** Before anything in an RPC is looked at; false drops it. */
  readonly admitRpc: (from: string, size: RpcSize) => boolean
  /** Before a message is looked at or counts as seen; false drops it, and another peer may still bring it. */
  readonly admitMessage: (from: string, topic: string) => boolean
  readonly onViolation: (from: string, what: Violation) => void
  /** The id of a message and what else is learnt on the way. A failure drops the message without marking it seen. */
  readonly examine: (topic: string, data: Uint8Array) => Promise<Examined>
  /** What becomes of a message not seen before; `accept` forwards it. */
  readonly judge: (from: string, topic: string, examined: Examined) => 'accept' | 'ignore' | 'reject'
  /** Score of a peer outside of gossip. */
  readonly applicationScore: (peerId: string) => number
}
