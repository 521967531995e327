import type { RpcMethods } from '../../common/json-rpc-server.ts'
import type { Proposer } from './proposer.ts'

/** op-proposer's `admin_` methods. */
export function proposerAdminMethods(proposer: Pick<Proposer, 'start' | 'stop'>): RpcMethods {
  return {
    admin_startProposer: () => proposer.start(),
    admin_stopProposer: () => proposer.stop(),
  }
}
