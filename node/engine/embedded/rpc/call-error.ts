import { RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import { bytesToBigint, bytesToHex } from '../../../../protocol/bytes.ts'
import type { CallResult } from '../chain-view.ts'
import { CallError } from '../errors.ts'

/** The error of an execution that failed: code 3 with the revert data, or the reason the machine stopped. */
export function failedCallError({ error = 'execution failed', output }: CallResult): RpcError {
  if (error !== 'execution reverted') return new RpcError(rpcCodes.server, error)
  const reason = revertReason(output)
  const message = reason === undefined ? error : `${error}: ${reason}`
  return new RpcError(rpcCodes.reverted, message, bytesToHex(output))
}

/** Awaits an execution; what could not run at all becomes a JSON-RPC error. */
export async function executed(running: Promise<CallResult>): Promise<CallResult> {
  try {
    return await running
  } catch (error) {
    if (!(error instanceof CallError)) throw error
    throw new RpcError(error.code === 'busy' ? rpcCodes.limitExceeded : rpcCodes.server, error.message)
  }
}

/** Solidity's `Error(string)` and `Panic(uint256)`; undefined for other data. */
export function revertReason(output: Uint8Array): string | undefined {
  const selector = bytesToHex(output.subarray(0, 4))
  const word = (index: number) => output.subarray(4 + 32 * index, 36 + 32 * index)
  if (selector === '0x4e487b71' && output.length >= 36) return panicReason(bytesToBigint(word(0)))
  if (selector !== '0x08c379a0' || output.length < 68) return undefined
  const offset = bytesToBigint(word(0))
  if (offset > BigInt(output.length)) return undefined
  const at = 4 + Number(offset)
  const length = bytesToBigint(output.subarray(at, at + 32))
  if (BigInt(at + 32) + length > BigInt(output.length)) return undefined
  return new TextDecoder().decode(output.subarray(at + 32, at + 32 + Number(length)))
}

/** The codes of the Solidity documentation, "Panic via assert and Error via require". */
function panicReason(code: bigint): string {
  const known: Readonly<Record<string, string>> = {
    '0': 'generic panic',
    '1': 'assert(false)',
    '17': 'arithmetic underflow or overflow',
    '18': 'division or modulo by zero',
    '33': 'enum overflow',
    '34': 'invalid encoded storage byte array accessed',
    '49': 'out-of-bounds array access; popping on an empty array',
    '50': 'out-of-bounds access of an array or bytesN',
    '65': 'out of memory',
    '81': 'uninitialized function',
  }
  return known[code.toString()] ?? `unknown panic code: 0x${code.toString(16)}`
}
