import { Server, type Socket } from 'node:net'
import type { Host } from './host.ts'

/** How long a connection of a denied address is left without an answer, milliseconds. */
export const holdMs = 5_000
/** Connections so held at a time; more are reset at once. */
export const heldMax = 64

/**
 * Keeps connections of denied addresses from libp2p, which asks its gater only after building all that a connection
 * needs. They get no answer and are reset after a while: who dials again when refused would cost ten percent of a core
 * if it were refused at once. `ms`: how long, milliseconds.
 */
export function gateSockets(host: Host, isDenied: (ip: string) => boolean, ms = holdMs): void {
  for (const server of serversOf(host)) {
    const held = new Set<Socket>()
    const accept = server.listeners('connection') as ((socket: Socket) => void)[]
    server.removeAllListeners('connection')
    server.on('connection', (socket) => {
      const ip = socket.remoteAddress
      // Without an address it is closed already: there is nothing to hold.
      if (ip === undefined) socket.resetAndDestroy()
      else if (!isDenied(ip)) for (const listener of accept) listener.call(server, socket)
      else if (held.size < heldMax) hold(socket, held, ms)
      else socket.resetAndDestroy()
    })
    // A server closes when its last connection did.
    const close = server.close.bind(server)
    server.close = (done) => {
      for (const socket of held) socket.resetAndDestroy()
      return close(done)
    }
  }
}

/** Reads nothing of it until its time is over. */
function hold(socket: Socket, held: Set<Socket>, ms: number): void {
  held.add(socket)
  socket.pause()
  const end = setTimeout(() => socket.resetAndDestroy(), ms)
  socket.on('error', () => undefined)
  socket.on('close', () => {
    clearTimeout(end)
    held.delete(socket)
  })
}

/** The TCP servers behind a host's listeners, which libp2p keeps to itself. */
function serversOf(host: Host): Server[] {
  const components: unknown = Reflect.get(host, 'components')
  const manager = property(components, 'transportManager')
  const listeners: unknown = call(manager, 'getListeners')
  const servers = (Array.isArray(listeners) ? listeners : []).map((listener) => property(listener, 'server'))
  return servers.filter((server) => server instanceof Server)
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function call(value: unknown, name: string): unknown {
  const method = property(value, name)
  return typeof method === 'function' ? method.call(value) : undefined
}
