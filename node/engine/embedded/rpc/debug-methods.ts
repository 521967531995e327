import { RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import type { RpcMethods } from '../../../../common/json-rpc-server.ts'
import { bytesToHex, type Hex } from '../../../../protocol/bytes.ts'
import { encodeHeader } from '../../../../protocol/header.ts'
import { keccakHex } from '../../../../protocol/keccak.ts'
import { encodeReceipt } from '../../../../protocol/receipt.ts'
import { decodeTransaction } from '../../../../protocol/transaction.ts'
import type { StoredBlock } from '../chain-view.ts'
import { encodeBlock } from './block-json.ts'
import { type BlockParam, blockParam, findBlock, requireHeader } from './block-param.ts'
import { executed } from './call-error.ts'
import { blockOverridesParam, stateOverridesParam } from './call-params.ts'
import { prepareCall } from './eth-call.ts'
import { callGasMax } from './limits.ts'
import { hashParam, objectParam, optional } from './params.ts'
import type { RpcParts } from './rpc-parts.ts'
import { type TraceOptions, traceOptionsParam } from './tracers/trace-options.ts'

/** `debug_*`: traces and raw chain data. */
export function debugMethods({ chain, pool }: Pick<RpcParts, 'chain' | 'pool'>): RpcMethods {
  const requireBlock = (param: BlockParam): StoredBlock => {
    const block = findBlock(chain, param)
    if (block === undefined) throw new RpcError(rpcCodes.server, 'block not found')
    return block
  }
  const traceMined = async (hash: Hex, raw: Uint8Array, options: TraceOptions) => {
    const tracer = options.create()
    const result = await executed(chain.traceTransaction(hash, tracer.listener, options.timeoutMs))
    return tracer.result(result, decodeTransaction(raw).gasLimit)
  }
  const traceBlock = async (param: BlockParam, options: TraceOptions) => {
    const traces: unknown[] = []
    for (const raw of requireBlock(param).transactions) {
      const txHash = keccakHex(raw)
      traces.push({ txHash, result: await traceMined(txHash, raw, options) })
    }
    return traces
  }
  return {
    debug_traceTransaction: async ([value, options]) => {
      const hash = hashParam(value)
      const location = chain.transactionLocation(hash)
      const raw = location && chain.blockByHash(location.blockHash)?.transactions[location.index]
      if (raw === undefined) throw new RpcError(rpcCodes.server, 'transaction not found')
      return await traceMined(hash, raw, traceOptionsParam(options))
    },
    debug_traceBlockByNumber: async ([block, options]) =>
      await traceBlock(blockParam(block), traceOptionsParam(options)),
    debug_traceBlockByHash: async ([hash, options]) =>
      await traceBlock({ hash: hashParam(hash), requireCanonical: false }, traceOptionsParam(options)),
    debug_traceCall: async ([call, block, config]) => {
      const { create, timeoutMs } = traceOptionsParam(config)
      const record = optional(config, (item) => objectParam(item, 'trace options')) ?? {}
      const prepared = prepareCall(chain, [call, block])
      const stateOverrides = stateOverridesParam(record['stateOverrides'])
      const blockOverrides = blockOverridesParam(record['blockOverrides'])
      const tracer = create()
      const options = { stateOverrides, blockOverrides, gasCap: callGasMax, timeoutMs, tracer: tracer.listener }
      const result = await executed(chain.call(prepared.at, prepared.message, options))
      return tracer.result(result, prepared.message.gas ?? callGasMax)
    },
    debug_getRawHeader: ([block]) => bytesToHex(encodeHeader(requireHeader(chain, blockParam(block)).header)),
    debug_getRawBlock: ([block]) => bytesToHex(encodeBlock(requireBlock(blockParam(block)))),
    debug_getRawReceipts: ([block]) => {
      const receipts = chain.receiptsByHash(requireBlock(blockParam(block)).hash) ?? []
      return receipts.map(({ receipt }) => bytesToHex(encodeReceipt(receipt)))
    },
    debug_getRawTransaction: ([value]) => {
      const hash = hashParam(value)
      const location = chain.transactionLocation(hash)
      const mined = location && chain.blockByHash(location.blockHash)?.transactions[location.index]
      return bytesToHex(mined ?? pool.get(hash)?.raw ?? new Uint8Array(0))
    },
  }
}
