import { RpcError } from '../../common/json-rpc.ts'
import { FormatError, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { type CheckedBlock, checkBlock, type UnknownTransaction, unknownTransactions } from './l1-block-check.ts'
import type { L1Endpoint } from './l1-rpc.ts'

/** Methods that answer a transaction's bytes, by its hash: geth's first, then what others have in its place. */
const rawMethods = ['eth_getRawTransactionByHash', 'debug_getRawTransaction'] as const

/**
 * Reads a block with its transactions from one server and checks it; undefined where the server lacks it. Transactions of a
 * type that this node does not know are read as bytes, so that the transactions root holds them too. Throws FormatError,
 * also for a server that cannot give those bytes: without them it could pass a batcher transaction off as one of them.
 */
export async function readBlock(
  endpoint: Pick<L1Endpoint, 'request'>,
  hash: Hex,
  options: { readonly trust: boolean },
): Promise<CheckedBlock | undefined> {
  const json = await endpoint.request('eth_getBlockByHash', [hash, true])
  if (json === null || json === undefined) return undefined
  const raws = new Map<Hex, Uint8Array>()
  if (!options.trust) {
    for (const unknown of unknownTransactions(json)) raws.set(unknown.hash, await rawTransaction(endpoint, unknown))
  }
  return checkBlock(json, { ...options, raws })
}

async function rawTransaction(endpoint: Pick<L1Endpoint, 'request'>, tx: UnknownTransaction): Promise<Uint8Array> {
  for (const method of rawMethods) {
    try {
      const answer = await endpoint.request(method, [tx.hash])
      if (typeof answer === 'string' && answer.length > 2) return hexToBytes(answer)
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
    }
  }
  throw new FormatError(
    `transaction ${tx.hash} is of type ${tx.type}, unknown here, and the server does not answer ${rawMethods.join(' or ')}: ` +
      'add an L1 server that does, or trust this one (--l1.trustrpc)',
  )
}
