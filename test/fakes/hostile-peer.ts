import { RPC } from '@chainsafe/libp2p-gossipsub/message'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p, Stream } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { concatBytes } from '../../protocol/bytes.ts'
import { encodeUvarint } from '../../protocol/uvarint.ts'

const meshsub = ['/meshsub/1.2.0', '/meshsub/1.1.0', '/meshsub/1.0.0']

/** A libp2p node that speaks gossip in raw frames and keeps to no rule. Comes from an address of its own. */
export class HostilePeer {
  readonly host: Libp2p
  /** Streams the victim opened for gossip; `reads` says whether anyone reads them. */
  readonly gossipFromVictim: Stream[] = []

  private constructor(host: Libp2p) {
    this.host = host
  }

  static async start(options: { readonly ip?: string; readonly reads?: boolean } = {}): Promise<HostilePeer> {
    const { ip = '127.0.0.66', reads = true } = options
    const host = await createLibp2p({
      transports: [tcp({ dialOpts: { localAddress: ip } as object })],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: { identify: identify(), ping: ping() },
    })
    const peer = new HostilePeer(host)
    await host.handle(meshsub, ({ stream }) => {
      peer.gossipFromVictim.push(stream)
      if (reads) void drain(stream)
    })
    return peer
  }

  get id(): string {
    return this.host.peerId.toString()
  }

  async dial(address: string): Promise<void> {
    await this.host.dial(multiaddr(address))
  }

  /** Opens the gossip stream; frames are written with {@link flood} or `stream.sink`. */
  async openGossip(address: string): Promise<Stream> {
    return await this.host.dialProtocol(multiaddr(address), meshsub)
  }

  async openStream(address: string, protocol: string): Promise<Stream> {
    return await this.host.dialProtocol(multiaddr(address), protocol)
  }

  get isConnected(): boolean {
    return this.host.getConnections().some(({ status }) => status === 'open')
  }

  async stop(): Promise<void> {
    await this.host.stop()
  }
}

/** An RPC as a frame. */
export function frame(rpc: Partial<RPC>): Uint8Array {
  const bytes = RPC.encode({ subscriptions: [], messages: [], ...rpc })
  return concatBytes(encodeUvarint(BigInt(bytes.length)), bytes)
}

/**
 * Writes frames, round and round, until the stream is cut or `signal` aborts; then says how many bytes went out. The
 * pauses let a victim in the same process run.
 */
export async function flood(stream: Stream, frames: readonly Uint8Array[], signal: AbortSignal): Promise<number> {
  let sent = 0
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let i = 0; !signal.aborted; i++) {
      const next = frames[i % frames.length] ?? new Uint8Array(0)
      sent += next.length
      yield next
      if (i % 16 === 15) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const sinking = stream.sink(source()).catch(() => undefined)
  await Promise.race([sinking, isOver(stream, signal)])
  return sent
}

/** A sink whose stream is cut while it takes a frame may wait for ever. */
async function isOver(stream: Stream, signal: AbortSignal): Promise<void> {
  while (stream.status === 'open' && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 10))
}

async function drain(stream: Stream): Promise<void> {
  try {
    for await (const _ of stream.source);
  } catch {
    // The victim hung up.
  }
}
