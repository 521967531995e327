import { RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import { FormatError, type Hex } from '../../../../protocol/bytes.ts'
import type { ChainView, StateView, StoredBlock, StoredHeader } from '../chain-view.ts'
import { booleanParam, hashParam, objectParam, uint64Param } from './params.ts'

type Chain = Pick<ChainView, 'head' | 'blockByHash' | 'blockByNumber' | 'headerByNumber' | 'canonicalHash' | 'stateAt'>

/** Which block a call means: a tag, a number, or EIP-1898's hash. */
export type BlockParam =
  | { readonly tag: 'latest' | 'safe' | 'finalized' | 'pending' }
  | { readonly number: bigint }
  | { readonly hash: Hex; readonly requireCanonical: boolean }

/** Parses a block parameter; absent means `latest`. Throws {@link FormatError}. */
export function blockParam(value: unknown): BlockParam {
  if (value === undefined || value === null) return { tag: 'latest' }
  if (typeof value === 'object') {
    const record = objectParam(value, 'block')
    const [hash, number] = [record['blockHash'], record['blockNumber']]
    if ((hash === undefined) === (number === undefined)) {
      throw new FormatError('a block object has either blockHash or blockNumber')
    }
    if (hash === undefined) return blockParam(number)
    return {
      hash: hashParam(hash, 'blockHash'),
      requireCanonical: booleanParam(record['requireCanonical'], 'requireCanonical'),
    }
  }
  if (value === 'latest' || value === 'safe' || value === 'finalized' || value === 'pending') return { tag: value }
  if (value === 'earliest') return { number: 0n }
  // geth takes a bare 32-byte hash here too.
  if (typeof value === 'string' && value.length === 66) return { hash: hashParam(value), requireCanonical: false }
  return { number: uint64Param(value, 'block number') }
}

/**
 * The block meant, or undefined where there is none (a label never set included). `pending` reads as the head: blocks
 * are built only on request, so no pending block exists between two of them.
 */
export function findBlock(chain: Chain, param: BlockParam): StoredBlock | undefined {
  if ('tag' in param) return chain.head(param.tag === 'pending' ? 'latest' : param.tag)
  if ('number' in param) return chain.blockByNumber(param.number)
  return checkCanonical(chain, param, chain.blockByHash(param.hash))
}

/** Like {@link findBlock} where the header is enough. */
export function findHeader(chain: Chain, param: BlockParam): StoredHeader | undefined {
  return 'number' in param ? chain.headerByNumber(param.number) : findBlock(chain, param)
}

/** The header meant. Throws where there is none. */
export function requireHeader(chain: Chain, param: BlockParam): StoredHeader {
  const header = findHeader(chain, param)
  if (header === undefined) throw new RpcError(rpcCodes.server, 'header not found')
  return header
}

/** The state after the block meant. Throws where the block is unknown or its state was pruned. */
export function requireState(
  chain: Chain,
  param: BlockParam,
): { readonly block: StoredHeader; readonly state: StateView } {
  const block = requireHeader(chain, param)
  const state = chain.stateAt(block.hash)
  if (state === undefined) {
    throw new RpcError(rpcCodes.server, `state of block ${block.header.number} is not available: it was pruned`)
  }
  return { block, state }
}

function checkCanonical<T extends StoredHeader>(
  chain: Chain,
  { requireCanonical }: { readonly requireCanonical: boolean },
  block: T | undefined,
): T | undefined {
  if (requireCanonical && block !== undefined && chain.canonicalHash(block.header.number) !== block.hash) {
    throw new RpcError(rpcCodes.server, 'hash is not currently canonical')
  }
  return block
}
