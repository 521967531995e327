import { decodeFunctionResult, encodeFunctionData, parseAbi } from 'viem'
import type { L1Proof } from '../../attribution/answer-file/answer-file.ts'
import { outputSlots } from '../../attribution/answer-file/slots.ts'
import { UsageError } from '../../common/errors.ts'
import { type RpcClient, RpcError } from '../../common/json-rpc.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { encodeHeader } from '../../protocol/header.ts'
import { headerFromRpc } from '../../protocol/rpc-json.ts'
import { accountNodes } from './account-nodes.ts'

export type L1Rpc = Pick<RpcClient, 'request'>

const abi = parseAbi([
  'function latestOutputIndex() view returns (uint256)',
  'function getL2Output(uint256 l2OutputIndex) view returns ((bytes32 outputRoot, uint128 timestamp, uint128 l2BlockNumber))',
])

/** The newest output of an oracle and its L2 block. Throws UsageError where there is none. */
export async function latestOutput(
  l1: L1Rpc,
  oracle: Hex,
): Promise<{ readonly index: bigint; readonly l2Block: bigint }> {
  const call = async (data: Hex) => (await l1.request('eth_call', [{ to: oracle, data }, 'latest'])) as Hex
  try {
    const last = await call(encodeFunctionData({ abi, functionName: 'latestOutputIndex' }))
    if (last === '0x') throw new UsageError(`--oracle ${oracle} is no L2OutputOracle of --l1`)
    const index = decodeFunctionResult({ abi, functionName: 'latestOutputIndex', data: last })
    const output = await call(encodeFunctionData({ abi, functionName: 'getL2Output', args: [index] }))
    const { l2BlockNumber } = decodeFunctionResult({ abi, functionName: 'getL2Output', data: output })
    return { index, l2Block: l2BlockNumber }
  } catch (cause) {
    if (!(cause instanceof RpcError)) throw cause
    throw new UsageError('INCOMPLETE: no output of the L2 stands on L1 yet; wait', { cause })
  }
}

/** The output in the oracle's storage at the newest L1 block. */
export async function l1Proof(l1: L1Rpc, oracle: Hex, outputIndex: bigint): Promise<L1Proof> {
  const block = (await l1.request('eth_getBlockByNumber', ['latest', false])) as { readonly number: Hex }
  const account = await accountNodes(l1, oracle, outputSlots(outputIndex), block.number)
  return { header: encodeHeader(headerFromRpc(block)), oracle, outputIndex, account }
}
