import { RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import type { RpcMethods } from '../../../../common/json-rpc-server.ts'
import { bytesToHex, quantity } from '../../../../protocol/bytes.ts'
import type { AccessListEntry } from '../../../../protocol/transaction.ts'
import type { CallMessage, CallOptions, CallResult } from '../chain-view.ts'
import { blockParam, requireState } from './block-param.ts'
import { executed, failedCallError } from './call-error.ts'
import { blockOverridesParam, callGasPrice, callParams, stateOverridesParam } from './call-params.ts'
import { estimateGas } from './estimate-gas.ts'
import { callGasMax, callTimeoutMs } from './limits.ts'
import type { RpcParts } from './rpc-parts.ts'

/** A call as parsed from the parameters of eth_call, ready for the chain. */
export function prepareCall(chain: RpcParts['chain'], params: readonly unknown[]) {
  const param = blockParam(params[1])
  const { block } = requireState(chain, param)
  const at = 'tag' in param && param.tag === 'pending' ? ('pending' as const) : block.hash
  const blockOverrides = blockOverridesParam(params[3])
  const baseFee = blockOverrides?.baseFeePerGas ?? block.header.baseFeePerGas ?? 0n
  const { message, fees } = callParams(params[0], chain.chainId)
  const options: CallOptions = {
    stateOverrides: stateOverridesParam(params[2]),
    blockOverrides,
    gasCap: callGasMax,
    timeoutMs: callTimeoutMs,
  }
  return { at, block, message: { ...message, gasPrice: callGasPrice(fees, baseFee) } satisfies CallMessage, options }
}

/** eth_call, eth_estimateGas and eth_createAccessList. */
export function ethCallMethods({ chain }: Pick<RpcParts, 'chain'>): RpcMethods {
  return {
    eth_call: async (params) => {
      const { at, message, options } = prepareCall(chain, params)
      const result = await executed(chain.call(at, message, options))
      if (result.status === 0) throw failedCallError(result)
      return bytesToHex(result.output)
    },
    eth_estimateGas: async (params) => {
      const prepared = prepareCall(chain, params)
      return quantity(await estimateGas(chain, { ...prepared, gasMax: callGasMax }))
    },
    eth_createAccessList: async (params) => {
      const { at, message, options } = prepareCall(chain, params)
      const run = (accessList: readonly AccessListEntry[]) =>
        executed(chain.call(at, { ...message, accessList }, { ...options, tracer: {} }))
      let list = [...(message.accessList ?? [])]
      for (let round = 0; round < accessListRoundsMax; round++) {
        const result = await run(list)
        const next = usedAccess(result, message)
        if (sameList(next, list)) return accessListJson(next, result)
        list = next
      }
      throw new RpcError(rpcCodes.server, 'the access list keeps changing with the list it is given')
    },
  }
}

/** A list changes the gas and so may change the path taken; real contracts settle in two rounds. */
const accessListRoundsMax = 8

/** Slots the execution used; accounts alone cost more to list than to touch, and geth leaves out sender and target. */
function usedAccess({ touched }: CallResult, { from, to }: CallMessage): AccessListEntry[] {
  const free = [from, to].flatMap((address) => (address === undefined ? [] : [bytesToHex(address)]))
  return touched
    .filter(({ address, storage, before }) => {
      if (storage.size > 0) return true
      return !free.includes(bytesToHex(address)) && before !== undefined && before.code.length > 0
    })
    .map(({ address, storage }) => ({
      address,
      storageKeys: [...storage.keys()].sort().map((slot) => Buffer.from(slot.slice(2), 'hex')),
    }))
    .sort((a, b) => Buffer.compare(a.address, b.address))
}

function sameList(a: readonly AccessListEntry[], b: readonly AccessListEntry[]): boolean {
  return JSON.stringify(listJson(a)) === JSON.stringify(listJson(b))
}

function listJson(list: readonly AccessListEntry[]) {
  return list.map(({ address, storageKeys }) => ({
    address: bytesToHex(address),
    storageKeys: storageKeys.map(bytesToHex),
  }))
}

function accessListJson(list: readonly AccessListEntry[], result: CallResult): Record<string, unknown> {
  const failure = result.status === 1 ? {} : { error: failedCallError(result).message }
  return { accessList: listJson(list), gasUsed: quantity(result.gasUsed), ...failure }
}
