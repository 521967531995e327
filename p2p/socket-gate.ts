import { Server, type Socket } from 'node:net'
import type { Host } from './host.ts'

/**
 * Resets connections of denied addresses as they are accepted. libp2p asks its gater only after building all that a
 * connection needs, several times the work: an attacker who is banned and dials on would cost ten percent of a core.
 */
export function gateSockets(host: Host, isDenied: (ip: string) => boolean): void {
  for (const server of serversOf(host)) {
    const accept = server.listeners('connection') as ((socket: Socket) => void)[]
    server.removeAllListeners('connection')
    server.on('connection', (socket) => {
      const ip = socket.remoteAddress
      if (ip === undefined || isDenied(ip)) socket.resetAndDestroy()
      else for (const listener of accept) listener.call(server, socket)
    })
  }
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
