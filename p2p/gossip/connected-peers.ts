import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import { cut, remoteIp } from '../host.ts'

/** A peer with a connection to us, and what it said of itself. */
export type ConnectedPeer = {
  readonly id: PeerId
  readonly peerId: string
  /** The oldest connection. */
  readonly connection: Connection
  readonly ip: string | undefined
  readonly agent: string | undefined
  readonly protocols: readonly string[]
}

type Identity = { readonly agent: string | undefined; readonly protocols: readonly string[] }

/** The peers of a host, with what identify told of them. */
export class ConnectedPeers {
  readonly #host: Libp2p
  readonly #identities = new Map<string, Identity>()

  constructor(host: Libp2p) {
    this.#host = host
    host.addEventListener('peer:identify', ({ detail }) => {
      this.#identities.set(detail.peerId.toString(), { agent: detail.agentVersion, protocols: detail.protocols })
    })
    host.addEventListener('peer:update', ({ detail: { peer } }) => {
      const known = this.#identities.get(peer.id.toString())
      if (known !== undefined) this.#identities.set(peer.id.toString(), { ...known, protocols: peer.protocols })
    })
    host.addEventListener('peer:disconnect', ({ detail }) => this.#identities.delete(detail.toString()))
  }

  list(): readonly ConnectedPeer[] {
    return this.#host.getPeers().flatMap((id) => this.#describe(id) ?? [])
  }

  get(peerId: string): ConnectedPeer | undefined {
    const id = this.#host.getPeers().find((known) => known.toString() === peerId)
    return id === undefined ? undefined : this.#describe(id)
  }

  /** Ends all connections of a peer at once. */
  hangUp(peerId: string, why: string): void {
    const id = this.get(peerId)?.id
    if (id !== undefined) cut(this.#host.getConnections(id), why)
  }

  #describe(id: PeerId): ConnectedPeer | undefined {
    const [connection] = this.#host.getConnections(id)
    if (connection === undefined) return undefined
    const peerId = id.toString()
    const { agent, protocols } = this.#identities.get(peerId) ?? { agent: undefined, protocols: [] }
    return { id, peerId, connection, ip: remoteIp(connection.remoteAddr), agent, protocols }
  }
}
