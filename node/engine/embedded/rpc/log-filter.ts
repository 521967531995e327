import { RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import { bloomMayContain } from '../../../../protocol/bloom.ts'
import { equalBytes, FormatError, fixedHex, hexToBytes } from '../../../../protocol/bytes.ts'
import type { Log } from '../../../../protocol/receipt.ts'
import type { ChainView, StoredBlock, StoredReceipt } from '../chain-view.ts'
import { type BlockParam, blockParam, findBlock, findHeader } from './block-param.ts'
import { logAddressesMax, logBlocksMax, logResultsMax, logTopicsMax } from './limits.ts'
import { addressParam, hashParam, objectParam, optional } from './params.ts'
import { receiptLogs } from './receipt-json.ts'
import { Turns } from './turns.ts'

/** Which logs a client asks for. An empty list of addresses or alternatives matches everything. */
export type LogCriteria = {
  readonly addresses: readonly Uint8Array[]
  /** By position; at most four. */
  readonly topics: readonly (readonly Uint8Array[])[]
}

export type LogRange = { readonly blockHash: BlockParam } | { readonly from: BlockParam; readonly to: BlockParam }

/** Parses the filter object of eth_getLogs. Throws {@link FormatError}. */
export function logFilterParam(value: unknown): { readonly criteria: LogCriteria; readonly range: LogRange } {
  const filter = objectParam(value ?? {}, 'the filter')
  const criteria = { addresses: addressesParam(filter['address']), topics: topicsParam(filter['topics']) }
  const hash = optional(filter['blockHash'], (item) => hashParam(item, 'blockHash'))
  if (hash === undefined) {
    return { criteria, range: { from: blockParam(filter['fromBlock']), to: blockParam(filter['toBlock']) } }
  }
  if ((filter['fromBlock'] ?? filter['toBlock'] ?? undefined) !== undefined) {
    throw new FormatError('cannot specify both blockHash and fromBlock/toBlock, choose one or the other')
  }
  return { criteria, range: { blockHash: { hash, requireCanonical: false } } }
}

/** The logs of the range that match, oldest first. Throws {@link RpcError} past a limit or where the block is unknown. */
export async function findLogs(
  chain: ChainView,
  criteria: LogCriteria,
  range: LogRange,
): Promise<Record<string, unknown>[]> {
  if ('blockHash' in range) {
    const block = findBlock(chain, range.blockHash)
    if (block === undefined) throw new RpcError(rpcCodes.server, 'unknown block')
    return blockLogs(chain, block, criteria)
  }
  const head = chain.head('latest')?.header.number ?? 0n
  const from = boundary(chain, range.from, head)
  const to = boundary(chain, range.to, head)
  if (from > to) throw new RpcError(rpcCodes.invalidParams, 'invalid block range params')
  const last = to > head ? head : to
  if (last - from >= logBlocksMax) {
    throw new RpcError(rpcCodes.limitExceeded, `the block range exceeds the limit of ${logBlocksMax} blocks`)
  }
  const found: Record<string, unknown>[] = []
  const turns = new Turns()
  for (let number = from; number <= last; number++) {
    await turns.next()
    const header = chain.headerByNumber(number)
    if (header === undefined || !bloomMatches(header.header.logsBloom, criteria)) continue
    const block = chain.blockByHash(header.hash)
    if (block !== undefined) found.push(...blockLogs(chain, block, criteria))
    if (found.length > logResultsMax) {
      throw new RpcError(rpcCodes.limitExceeded, `query returned more than ${logResultsMax} results`)
    }
  }
  return found
}

/** The matching logs of one block. */
export function blockLogs(
  chain: Pick<ChainView, 'receiptsByHash'>,
  block: StoredBlock,
  criteria: LogCriteria,
): Record<string, unknown>[] {
  if (!bloomMatches(block.header.logsBloom, criteria)) return []
  const receipts = chain.receiptsByHash(block.hash) ?? []
  return receipts.flatMap((receipt, index) => matchingLogs(block, index, receipt, criteria))
}

function matchingLogs(block: StoredBlock, index: number, receipt: StoredReceipt, criteria: LogCriteria) {
  if (!receipt.receipt.logs.some((log) => matches(log, criteria))) return []
  const shown = receiptLogs(block, index, receipt)
  return receipt.receipt.logs.flatMap((log, i) => {
    const json = shown[i]
    return json !== undefined && matches(log, criteria) ? [json] : []
  })
}

function matches(log: Log, { addresses, topics }: LogCriteria): boolean {
  if (addresses.length > 0 && !addresses.some((address) => equalBytes(address, log.address))) return false
  if (topics.length > log.topics.length) return false
  return topics.every((alternatives, position) => {
    const topic = log.topics[position]
    return (
      alternatives.length === 0 || (topic !== undefined && alternatives.some((wanted) => equalBytes(wanted, topic)))
    )
  })
}

function bloomMatches(bloom: Uint8Array, { addresses, topics }: LogCriteria): boolean {
  return [addresses, ...topics].every(
    (alternatives) => alternatives.length === 0 || alternatives.some((value) => bloomMayContain(bloom, value)),
  )
}

/** A number may lie beyond the head; a label that is not set has no number. */
function boundary(chain: ChainView, param: BlockParam, head: bigint): bigint {
  if ('number' in param) return param.number
  if ('tag' in param && param.tag === 'latest') return head
  const header = findHeader(chain, param)
  if (header === undefined) throw new RpcError(rpcCodes.server, 'unknown block')
  return header.header.number
}

function addressesParam(value: unknown): Uint8Array[] {
  if (value === undefined || value === null) return []
  const list = Array.isArray(value) ? value : [value]
  if (list.length > logAddressesMax) {
    throw new RpcError(rpcCodes.invalidParams, `exceed max addresses: ${logAddressesMax}`)
  }
  return list.map((item) => addressParam(item))
}

function topicsParam(value: unknown): Uint8Array[][] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new FormatError('topics must be an array')
  if (value.length > 4) throw new RpcError(rpcCodes.invalidParams, 'exceed max topics')
  return value.map((position: unknown) => {
    if (position === null) return []
    const alternatives = Array.isArray(position) ? position : [position]
    if (alternatives.length > logTopicsMax) throw new RpcError(rpcCodes.invalidParams, 'exceed max topics')
    // null among the alternatives matches everything, as in geth.
    if (alternatives.includes(null)) return []
    return alternatives.map((topic: unknown) => hexToBytes(fixedHex(topic, 32, 'topic')))
  })
}
