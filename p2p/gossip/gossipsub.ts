import { createHash } from 'node:crypto'
import { GossipSub, type GossipSubComponents } from '@chainsafe/libp2p-gossipsub'
import type { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { type Message, type PeerId, StrictNoSign, TopicValidatorResult } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import {
  idontwantBytesMin,
  iwantFollowupMs,
  mesh,
  outboundBytesMax,
  peerScoreParams,
  rpcLimits,
  scoreThresholds,
} from './gossip-params.ts'
import type { GossipHandlers, GossipPort, RpcSize } from './gossip-port.ts'
import { HeldMessages } from './held-messages.ts'

/** Options of {@link meteredGossip}. */
export type GossipOptions = {
  /** All topics there will ever be: the library takes them at construction only. */
  readonly topics: readonly string[]
  /** Time in which scores decay one step. */
  readonly slotSeconds: number
  /** Bytes of an RPC; the stream of a peer that sends a larger one is given up. */
  readonly frameBytesMax: number
  /** What a message costs: its size, or the one it says to have when decompressed. */
  readonly costBytes: (data: Uint8Array) => number
  /** Messages for one peer are held for so long, to go out in one RPC; 0: each goes at once. */
  readonly holdMs: number
}

/** Gossip as a libp2p service, by @chainsafe/libp2p-gossipsub. Subscribe after the start. */
export function meteredGossip<E extends { readonly id: Uint8Array }>(
  options: GossipOptions,
  handlers: GossipHandlers<E>,
): (components: GossipSubComponents) => MeteredGossip<E> {
  return (components) => new MeteredGossip(components, options, handlers)
}

/**
 * The library, with what it leaves open closed: frames and RPCs are metered before they cost anything, a peer's RPCs
 * are handled one after another, and nothing is forwarded before we say so.
 */
export class MeteredGossip<E extends { readonly id: Uint8Array }> extends GossipSub {
  readonly #topics: ReadonlySet<string>
  readonly #costBytes: (data: Uint8Array) => number
  readonly #handlers: GossipHandlers<E>
  #held: HeldMessages | undefined
  /** What `examine` found out about a message on its way to `judge`. */
  readonly #examined = new WeakMap<Message, E>()
  readonly #ownIds = new WeakMap<Uint8Array, Uint8Array>()
  readonly #dataHashes = new WeakMap<Uint8Array, string>()
  /** Messages under examination by hash: the mesh brings a block many times over, and almost at once. */
  readonly #examining = new Map<string, Promise<E>>()
  /** Peers whose last frame is not decoded, or not yet. */
  readonly #undecoded = new Set<string>()
  /** The stream read from each peer, by identity: a new one may begin before the old one ends. */
  readonly #reading = new Map<string, object>()

  constructor(
    components: GossipSubComponents,
    { topics, slotSeconds, frameBytesMax, costBytes, holdMs }: GossipOptions,
    handlers: GossipHandlers<E>,
  ) {
    super(components, {
      ...mesh,
      globalSignaturePolicy: StrictNoSign,
      allowedTopics: new Set(topics),
      asyncValidation: true,
      awaitRpcHandler: true,
      awaitRpcMessageHandler: true,
      fallbackToFloodsub: false,
      emitSelf: false,
      floodPublish: false,
      batchPublish: true,
      doPX: false,
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      maxInboundDataLength: frameBytesMax,
      maxOutboundBufferSize: outboundBytesMax,
      decodeRpcLimits: rpcLimits,
      gossipsubIWantFollowupMs: iwantFollowupMs,
      idontwantMinDataSize: idontwantBytesMin,
      scoreParams: peerScoreParams(slotSeconds, handlers.applicationScore),
      scoreThresholds,
      fastMsgIdFn: (message) => this.#hashData(message.topic, message.data ?? noData),
      msgIdFn: (message) => this.#idOf(message),
    })
    this.#topics = new Set(topics)
    this.#costBytes = costBytes
    this.#handlers = handlers
    this.#meterFrames()
    if (holdMs > 0) this.#holdMessages(holdMs)
    this.addEventListener('gossipsub:message', ({ detail }) => {
      const examined = this.#examined.get(detail.msg)
      if (examined === undefined) return
      const from = detail.propagationSource.toString()
      const result = handlers.judge(from, detail.msg.topic, examined)
      this.reportMessageValidationResult(detail.msgId, from, acceptance[result])
    })
  }

  /** Joins all topics. */
  subscribeAll(): void {
    for (const topic of this.#topics) this.subscribe(topic)
  }

  get port(): GossipPort {
    return {
      publish: async (topic, data, id) => {
        this.#ownIds.set(data, id)
        const { recipients } = await this.publish(topic, data)
        return recipients.length
      },
      score: (peerId) => this.getScore(peerId),
      isReading: (peerId) => this.#reading.has(peerId),
      subscribers: (topic) => this.getSubscribers(topic).map(String),
      meshPeers: (topic) => this.getMeshPeers(topic),
    }
  }

  override async handleReceivedRpc(from: PeerId, rpc: RPC): Promise<void> {
    const peerId = from.toString()
    this.#undecoded.delete(peerId)
    if (!this.#handlers.admitRpc(peerId, rpcSize(rpc, this.#costBytes))) return
    const messages = rpc.messages.filter((message) => this.#keepsRules(peerId, message))
    await super.handleReceivedRpc(from, { ...rpc, messages })
  }

  override async stop(): Promise<void> {
    this.#held?.stop()
    await super.stop()
  }

  /** Messages for a peer wait a moment for others; the library's private senders are where all pass. */
  #holdMessages(holdMs: number): void {
    const [send, sendToAll] = [this['sendRpc'].bind(this), this['sendRpcInBatch'].bind(this)]
    this.#held = new HeldMessages(holdMs, (peerId, messages) => void send(peerId, { subscriptions: [], messages }))
    this['sendRpc'] = (id: string, rpc: RPC) => this.#hold(id, rpc) || send(id, rpc)
    this['sendRpcInBatch'] = (ids: Set<string>, rpc: RPC) => {
      const others = new Set([...ids].filter((id) => !this.#hold(id, rpc)))
      if (others.size > 0) sendToAll(others, rpc)
    }
  }

  /** True where its messages wait for others to the same peer. */
  #hold(id: string, { messages, subscriptions, control }: RPC): boolean {
    const isPlain = subscriptions.length === 0 && control === undefined && messages.length > 0
    if (!isPlain || !this['streamsOutbound'].has(id)) return false
    this.#held?.add(id, messages)
    return true
  }

  #keepsRules(from: string, message: RPC.Message): boolean {
    if (!this.#topics.has(message.topic)) {
      this.#handlers.onViolation(from, 'topic')
      return false
    }
    const { from: author, seqno, signature, key } = message
    const isSigned = [author, seqno, signature, key].some((field) => field !== undefined)
    if (isSigned) this.#handlers.onViolation(from, 'signed')
    return !isSigned && this.#handlers.admitMessage(from, message.topic)
  }

  async #idOf(message: Message): Promise<Uint8Array> {
    const own = this.#ownIds.get(message.data)
    if (own !== undefined) return own
    const examined = await this.#examine(message.topic, message.data)
    this.#examined.set(message, examined)
    return examined.id
  }

  #examine(topic: string, data: Uint8Array): Promise<E> {
    const key = this.#dataHashes.get(data) ?? this.#hashData(topic, data)
    const known = this.#examining.get(key)
    if (known !== undefined) return known
    const examined = this.#handlers.examine(topic, data).finally(() => this.#examining.delete(key))
    this.#examining.set(key, examined)
    return examined
  }

  #hashData(topic: string, data: Uint8Array): string {
    const hash = createHash('sha256').update(`${topic}\0`).update(data).digest('base64')
    this.#dataHashes.set(data, hash)
    return hash
  }

  /** The library decodes whatever arrives; its private reader is the only place before that. */
  #meterFrames(): void {
    const read = this['pipePeerReadStream'].bind(this)
    this['pipePeerReadStream'] = async (from: PeerId, frames: AsyncIterable<Uint8ArrayList>) => {
      const peerId = from.toString()
      const reader = {}
      this.#reading.set(peerId, reader)
      await read(from, this.#metered(peerId, frames))
      if (this.#reading.get(peerId) === reader) this.#reading.delete(peerId)
    }
  }

  async *#metered(from: string, frames: AsyncIterable<Uint8ArrayList>): AsyncGenerator<Uint8ArrayList> {
    for await (const frame of frames) {
      if (!this.#handlers.admitFrame(from, frame.length)) continue
      this.#undecoded.add(from)
      yield frame
      // The library passes over what it cannot decode. What it can has been handled when it asks for the next frame.
      if (this.#undecoded.delete(from)) this.#handlers.onViolation(from, 'encoding')
    }
  }
}

const acceptance = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject,
} as const

function rpcSize({ subscriptions, messages, control }: RPC, costBytes: (data: Uint8Array) => number): RpcSize {
  let controlEntries = subscriptions.length
  for (const { messageIDs } of control?.ihave ?? []) controlEntries += 1 + messageIDs.length
  for (const { messageIDs } of control?.iwant ?? []) controlEntries += 1 + messageIDs.length
  for (const { messageIDs } of control?.idontwant ?? []) controlEntries += 1 + messageIDs.length
  for (const { peers } of control?.prune ?? []) controlEntries += 1 + peers.length
  controlEntries += control?.graft.length ?? 0
  const bytes = messages.reduce((sum, { data }) => sum + costBytes(data ?? noData), 0)
  return { messages: messages.length, bytes, controlEntries }
}

const noData = new Uint8Array(0)
