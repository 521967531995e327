import type { RpcServer } from '../common/json-rpc-server.ts'
import { NodeError } from './node-error.ts'
import type { ListenOptions } from './node-options.ts'

/** Starts the server; answers its port. Throws NodeError where the port is taken. */
export async function listen(server: RpcServer, { host, port }: ListenOptions, what: string): Promise<number> {
  try {
    return await server.start()
  } catch (cause) {
    const isTaken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'
    if (!isTaken) throw cause
    throw new NodeError('port-in-use', `${host}:${port}, the port of the ${what}, is taken`, { cause })
  }
}
