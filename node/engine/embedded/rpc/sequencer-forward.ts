import { HttpRpcClient, RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import type { Log } from '../../../../common/log.ts'
import { bytesToHex, type Hex } from '../../../../protocol/bytes.ts'
import { keccakHex } from '../../../../protocol/keccak.ts'
import { decodeTransaction, txType } from '../../../../protocol/transaction.ts'

/** Milliseconds the sequencer may take to answer. */
export const forwardMsMax = 10_000
/** Transactions on their way to the sequencer at once; more are refused until some are answered. */
export const forwardsMax = 256

/** Hands a raw transaction on and answers its hash. Throws {@link RpcError}, FormatError for what is no transaction. */
export type ForwardTransaction = (raw: Uint8Array) => Promise<Hex>

/** Forwards to the sequencer, as op-geth's `--rollup.sequencerhttp`: its error is passed on as it came. */
export function forwardTo(url: string, { log }: { readonly log: Log }): ForwardTransaction {
  const sequencer = new HttpRpcClient({ url, timeoutMs: forwardMsMax })
  let inFlight = 0
  return async (raw) => {
    const { type } = decodeTransaction(raw)
    if (type === txType.blob || type === txType.deposit) {
      throw new RpcError(rpcCodes.server, 'transaction type not supported')
    }
    if (inFlight >= forwardsMax)
      throw new RpcError(rpcCodes.limitExceeded, 'too many transactions wait for the sequencer')
    inFlight++
    try {
      await sequencer.request('eth_sendRawTransaction', [bytesToHex(raw)])
      return keccakHex(raw)
    } catch (error) {
      if (error instanceof RpcError) throw new RpcError(error.code, error.peerMessage, error.data)
      log.warn('transaction not forwarded', { error })
      throw new RpcError(rpcCodes.server, 'the sequencer does not answer; the transaction was perhaps not sent')
    } finally {
      inFlight--
    }
  }
}
