import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import { isIPv6 } from 'node:net'
import type { BindAddrs, IPMode, ITransportService, TransportEventEmitter } from '@chainsafe/discv5'
import { decodePacket, encodePacket, type IPacket } from '@chainsafe/discv5/packet'
import { getSocketAddressOnENR } from '@chainsafe/discv5/util'
import type { BaseENR } from '@chainsafe/enr'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { errorMessage } from '../../common/errors.ts'
import { PacketLimit } from './packet-limit.ts'
import { PeersError } from './peers-error.ts'

/** discv5's limit on a packet. Source: devp2p discv5-wire, "Packet Encoding". */
const packetBytesMax = 1_280

export type UdpOptions = {
  readonly ip: string
  /** 0 takes any free port. */
  readonly port: number
  /** Of our own record: packets are masked with it. */
  readonly nodeId: string
}

/**
 * UDP under discv5. The library's own transport ends the process when the port is taken or an address in a stranger's
 * record cannot be sent to, and its rate limiter shuts an address out for good on packets whose sender may be forged.
 */
export class UdpTransport extends EventEmitter implements Omit<ITransportService, keyof TransportEventEmitter> {
  readonly ipMode: IPMode
  bindAddrs: Multiaddr[] = []
  readonly #options: UdpOptions
  readonly #isDenied: (ip: string) => boolean
  readonly #limit: PacketLimit
  #socket: Socket | undefined

  constructor(
    options: UdpOptions,
    parts: { readonly isDenied: (ip: string) => boolean; readonly nowMs: () => number },
  ) {
    super()
    this.#options = options
    this.#isDenied = parts.isDenied
    this.#limit = new PacketLimit(parts.nowMs)
    this.ipMode = isIPv6(options.ip) ? { ip4: false, ip6: true } : { ip4: true, ip6: false }
  }

  /** Takes the port; resolves to it. Throws PeersError `discovery`. */
  async bind(): Promise<number> {
    const { ip, port } = this.#options
    const socket = createSocket({ type: this.ipMode.ip6 ? 'udp6' : 'udp4', recvBufferSize: 64 * packetBytesMax })
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.bind(port, ip, resolve)
      })
    } catch (cause) {
      socket.close()
      throw new PeersError('discovery', `UDP ${ip}:${port} cannot be taken: ${errorMessage(cause)}`, { cause })
    }
    socket.removeAllListeners('error')
    // An address that cannot be sent to is a lost packet, and requests that stay unanswered are given up anyway.
    socket.on('error', () => undefined)
    this.#socket = socket
    const taken = socket.address().port
    this.bindAddrs = [multiaddr(`/${this.ipMode.ip6 ? 'ip6' : 'ip4'}/${ip}/udp/${taken}`)]
    return taken
  }

  get bindAddrsOfConfig(): BindAddrs {
    const [address] = this.bindAddrs
    if (address === undefined) throw new Error('not bound')
    return this.ipMode.ip6 ? { ip6: address } : { ip4: address }
  }

  async start(): Promise<void> {
    this.#socket?.on('message', this.#onMessage)
  }

  async stop(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) return
    socket.off('message', this.#onMessage)
    await new Promise<void>((resolve) => socket.close(() => resolve()))
  }

  async send(to: Multiaddr, toId: string, packet: IPacket): Promise<void> {
    const { host, port, family } = to.toOptions()
    const isOurFamily = (family === 6) === this.ipMode.ip6
    if (isOurFamily && port > 0) this.#socket?.send(encodePacket(toId, packet), port, host)
  }

  getContactableAddr(enr: BaseENR) {
    return getSocketAddressOnENR(enr, this.ipMode)
  }

  addExpectedResponse(ip: string): void {
    this.#limit.expect(ip)
  }

  readonly #onMessage = (data: Buffer, from: RemoteInfo): void => {
    if (data.length > packetBytesMax || this.#isDenied(from.address) || !this.#limit.allows(from.address)) return
    const source = multiaddr(`/${from.family === 'IPv6' ? 'ip6' : 'ip4'}/${from.address}/udp/${from.port}`)
    let packet: IPacket
    try {
      packet = decodePacket(this.#options.nodeId, data)
    } catch {
      return
    }
    this.emit('packet', source, packet)
  }
}
