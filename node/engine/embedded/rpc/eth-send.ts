import { RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import type { RpcMethods } from '../../../../common/json-rpc-server.ts'
import { FormatError, type Hex } from '../../../../protocol/bytes.ts'
import { PoolError } from '../txpool/pool-error.ts'
import { sendSyncTimeoutMs, sendSyncTimeoutMsMax } from './limits.ts'
import { bytesParam, optional, uint64Param } from './params.ts'
import { receiptJson } from './receipt-json.ts'
import type { RpcParts } from './rpc-parts.ts'

/** Error code of EIP-7966 for a transaction that was accepted but not included in time. */
const syncTimeoutCode = 4

type SendParts = Pick<RpcParts, 'chain' | 'pool' | 'forward'>

/** eth_sendRawTransaction, and EIP-7966's variant that waits for the receipt. */
export function ethSendMethods(parts: SendParts): RpcMethods {
  return {
    eth_sendRawTransaction: ([raw]) => send(parts, raw),
    eth_sendRawTransactionSync: async ([raw, timeout], { closed }) => {
      const timeoutMs = optional(timeout, timeoutParam) ?? sendSyncTimeoutMs
      const hash = await send(parts, raw)
      return await included(parts, hash, AbortSignal.any([closed, AbortSignal.timeout(timeoutMs)]))
    },
  }
}

/** Milliseconds, as a number or a quantity; clamped to what the node allows. */
function timeoutParam(value: unknown): number {
  const ms = typeof value === 'number' ? value : Number(uint64Param(value, 'timeout'))
  if (!(ms >= 0)) throw new FormatError('timeout must not be negative')
  return Math.min(Math.floor(ms), sendSyncTimeoutMsMax)
}

/** To the sequencer where one is named, as op-geth does without a pool of its own; else to this pool. */
async function send({ pool, forward }: SendParts, raw: unknown): Promise<Hex> {
  const bytes = bytesParam(raw, 'the transaction')
  if (forward !== undefined) return forward(bytes)
  try {
    return pool.add(bytes)
  } catch (error) {
    if (!(error instanceof PoolError)) throw error
    const code = error.code === 'malformed' ? rpcCodes.invalidParams : rpcCodes.server
    throw new RpcError(code, error.message)
  }
}

function included({ chain }: Pick<RpcParts, 'chain'>, hash: Hex, ended: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const stop = chain.onHead(look)
    ended.addEventListener('abort', giveUp)
    look()
    function look() {
      const location = chain.transactionLocation(hash)
      const block = location === undefined ? undefined : chain.blockByHash(location.blockHash)
      if (location === undefined || block === undefined) return
      stop()
      ended.removeEventListener('abort', giveUp)
      resolve(receiptJson(block, location.index, chain.receiptsByHash(block.hash)?.[location.index]))
    }
    function giveUp() {
      stop()
      reject(new RpcError(syncTimeoutCode, 'the transaction was accepted but not included in time', hash))
    }
  })
}
