import { RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import type { RpcMethods } from '../../../../common/json-rpc-server.ts'
import { bytesToHex, FormatError, quantity } from '../../../../protocol/bytes.ts'
import { simulatedBlocksMax, simulatedCallsMax } from '../call/simulation-plan.ts'
import type {
  BlockOverrides,
  SimulatedBlock,
  SimulatedBlockInput,
  SimulatedCall,
  SimulatedCallResult,
} from '../chain-view.ts'
import { CallError, SimulationError } from '../errors.ts'
import { blockJson, transactionHashes } from './block-json.ts'
import { blockParam, requireState } from './block-param.ts'
import { failedCallError } from './call-error.ts'
import { blockOverridesParam, callParams, stateOverridesParam } from './call-params.ts'
import { callGasMax, callTimeoutMs } from './limits.ts'
import { booleanParam, listParam, objectParam, optional, uint64Param } from './params.ts'
import { receiptLogs } from './receipt-json.ts'
import type { RpcParts } from './rpc-parts.ts'
import { minedTransactionJson } from './transaction-json.ts'

/** Error codes of execution-apis, eth_simulateV1. */
const errorCodes: Readonly<Record<SimulationError['code'] | CallError['code'], number>> = {
  'nonce-too-low': -38010,
  'nonce-too-high': -38011,
  'fee-too-low': -38012,
  'too-little-gas': -38013,
  'insufficient-funds': -38014,
  'block-gas': -38015,
  'block-number': -38020,
  'block-time': -38021,
  'init-code': -38025,
  'too-much': -38026,
  unavailable: rpcCodes.server,
  timeout: rpcCodes.server,
  busy: rpcCodes.limitExceeded,
}
/** Of a call whose machine stopped, other than by a revert. */
const machineErrorCode = -32015

/** eth_simulateV1. Spec: execution-apis, `eth_simulateV1`; withdrawals, blobs and moved precompiles are refused. */
export function ethSimulateMethods({ chain }: Pick<RpcParts, 'chain'>): RpcMethods {
  return {
    eth_simulateV1: async ([payload, block]) => {
      const request = objectParam(payload, 'the simulation')
      const inputs = listParam(request['blockStateCalls'], 'blockStateCalls', Number(simulatedBlocksMax))
      if (inputs.length === 0) throw new FormatError('blockStateCalls is empty')
      const blocks = inputs.map((input) => blockInput(input, chain.chainId))
      const full = booleanParam(request['returnFullTransactions'], 'returnFullTransactions')
      const options = {
        validation: booleanParam(request['validation'], 'validation'),
        traceTransfers: booleanParam(request['traceTransfers'], 'traceTransfers'),
        gasMax: callGasMax,
        timeoutMs: callTimeoutMs,
      }
      const { hash } = requireState(chain, blockParam(block)).block
      try {
        return (await chain.simulate(hash, blocks, options)).map((simulated) => simulatedJson(simulated, full))
      } catch (error) {
        if (!(error instanceof SimulationError || error instanceof CallError)) throw error
        throw new RpcError(errorCodes[error.code], error.message)
      }
    },
  }
}

function blockInput(value: unknown, chainId: bigint): SimulatedBlockInput {
  const record = objectParam(value, 'a simulated block')
  const calls = optional(record['calls'], (list) => listParam(list, 'calls', simulatedCallsMax)) ?? []
  return {
    calls: calls.map((call) => callInput(call, chainId)),
    overrides: overridesParam(record['blockOverrides']),
    stateOverrides: stateOverridesParam(record['stateOverrides']),
  }
}

function overridesParam(value: unknown): BlockOverrides | undefined {
  const record = optional(value, (overrides) => objectParam(overrides, 'block overrides')) ?? {}
  for (const key of ['blobBaseFee', 'beaconRoot']) {
    if (optional(record[key], Boolean) !== undefined) throw new FormatError(`${key} is not supported here`)
  }
  optional(record['withdrawals'], (list) => listParam(list, 'withdrawals', 0))
  return blockOverridesParam(value)
}

function callInput(value: unknown, chainId: bigint): SimulatedCall {
  const nonce = optional(objectParam(value, 'the call')['nonce'], (item) => uint64Param(item, 'nonce'))
  return { ...callParams(value, chainId), nonce }
}

function simulatedJson(block: SimulatedBlock, full: boolean): Record<string, unknown> {
  const transactions = full
    ? block.transactions.map((_, i) => minedTransactionJson(block, i, block.receipts[i]))
    : transactionHashes(block)
  return { ...blockJson(block, transactions), calls: block.calls.map((call, i) => callJson(block, i, call)) }
}

function callJson(block: SimulatedBlock, index: number, call: SimulatedCallResult): Record<string, unknown> {
  const receipt = block.receipts[index]
  return {
    returnData: bytesToHex(call.output),
    logs: receipt === undefined ? [] : receiptLogs(block, index, receipt),
    gasUsed: quantity(call.gasUsed),
    maxUsedGas: quantity(call.gasUsedMax),
    status: quantity(call.status),
    ...(call.status === 1 ? {} : { error: errorJson(call) }),
  }
}

function errorJson(call: SimulatedCallResult): Record<string, unknown> {
  const { code, message, data } = failedCallError({ ...call, touched: [] })
  return {
    code: code === rpcCodes.reverted ? code : machineErrorCode,
    message,
    ...(data === undefined ? {} : { data }),
  }
}
