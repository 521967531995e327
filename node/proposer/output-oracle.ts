import { decodeFunctionResult, encodeFunctionData, parseAbi } from 'viem'
import type { FeeRpc } from '../../chain/tx/fee-market.ts'
import { RpcError } from '../../common/json-rpc.ts'
import { bytesToHex, FormatError, fixedHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'

const abi = parseAbi([
  'function nextBlockNumber() view returns (uint256)',
  'function proposeL2Output(bytes32 outputRoot, uint256 l2BlockNumber, bytes32 l1BlockHash, uint256 l1BlockNumber) payable',
])

/** An output root for the oracle, tied to one L1 fork by a recent block. */
export type Proposal = {
  readonly outputRoot: Hex
  readonly l2BlockNumber: bigint
  readonly l1BlockHash: Hex
  readonly l1BlockNumber: bigint
}

/** The L2OutputOracle contract on L1. Spec: protocol/proposals.md, "L2 Output Oracle Smart Contract". */
export class OutputOracle {
  readonly address: Hex
  readonly #rpc: FeeRpc

  constructor(address: Hex, parts: { readonly rpc: FeeRpc }) {
    this.address = address
    this.#rpc = parts.rpc
  }

  /** The L2 block whose output is due next. Throws {@link FormatError} where the address holds no oracle. */
  async nextBlockNumber(): Promise<bigint> {
    const data = encodeFunctionData({ abi, functionName: 'nextBlockNumber' })
    const answer = await this.#rpc.request('eth_call', [{ to: this.address, data }, 'latest'])
    if (answer === '0x') throw new FormatError(`there is no OutputOracle at ${this.address} on L1`)
    return decodeFunctionResult({ abi, functionName: 'nextBlockNumber', data: fixedHex(answer, 32, 'block number') })
  }

  /** Why the oracle would refuse the proposal now; undefined: it would take it. */
  async refusal(proposal: Proposal, from: Hex): Promise<string | undefined> {
    try {
      const data = bytesToHex(proposalCalldata(proposal))
      await this.#rpc.request('eth_call', [{ from, to: this.address, data }, 'latest'])
      return undefined
    } catch (error) {
      if (error instanceof RpcError) return error.message
      throw error
    }
  }
}

export function proposalCalldata(proposal: Proposal): Uint8Array {
  const { outputRoot, l2BlockNumber, l1BlockHash, l1BlockNumber } = proposal
  const args = [outputRoot, l2BlockNumber, l1BlockHash, l1BlockNumber] as const
  return hexToBytes(encodeFunctionData({ abi, functionName: 'proposeL2Output', args }))
}
