import type { RpcMethods } from '../../common/json-rpc-server.ts'
import type { Batcher } from './batcher.ts'

/** Milliseconds `admin_stopBatcher` waits for the last channel to be mined: some L1 blocks. */
export const adminDrainMs = 60_000

/** op-batcher's `admin_` methods. */
export function batcherAdminMethods(batcher: Pick<Batcher, 'start' | 'stop'>): RpcMethods {
  return {
    admin_startBatcher: () => batcher.start(),
    admin_stopBatcher: () => batcher.stop({ drainMs: adminDrainMs }),
  }
}
