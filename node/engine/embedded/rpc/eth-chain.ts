import type { RpcMethods } from '../../../../common/json-rpc-server.ts'
import { bytesToHex, quantity } from '../../../../protocol/bytes.ts'
import type { StoredBlock } from '../chain-view.ts'
import { blockJson, headerJson, transactionHashes } from './block-json.ts'
import { type BlockParam, blockParam, findBlock, findHeader } from './block-param.ts'
import { booleanParam, hashParam, uint64Param } from './params.ts'
import { receiptJson } from './receipt-json.ts'
import type { RpcParts } from './rpc-parts.ts'
import { minedTransactionJson, pooledTransactionJson } from './transaction-json.ts'

/** `eth_*` methods that read blocks, transactions and receipts. Unknown things are null, not errors. */
export function ethChainMethods({ chain, pool }: RpcParts): RpcMethods {
  const atHash = (value: unknown): BlockParam => ({ hash: hashParam(value), requireCanonical: false })

  const shownBlock = (param: BlockParam, full: boolean) => {
    const block = findBlock(chain, param)
    return block === undefined ? null : blockJson(block, full ? fullTransactions(block) : transactionHashes(block))
  }
  const fullTransactions = (block: StoredBlock) => {
    const receipts = chain.receiptsByHash(block.hash)
    return block.transactions.map((_, index) => minedTransactionJson(block, index, receipts?.[index]) ?? null)
  }
  const transactionAt = (param: BlockParam, index: unknown) => {
    const block = findBlock(chain, param)
    const at = Number(uint64Param(index, 'transaction index'))
    return block === undefined ? null : minedTransactionJson(block, at, chain.receiptsByHash(block.hash)?.[at])
  }
  const rawTransactionAt = (param: BlockParam, index: unknown) => {
    const raw = findBlock(chain, param)?.transactions[Number(uint64Param(index, 'transaction index'))]
    return raw === undefined ? null : bytesToHex(raw)
  }
  const count = (param: BlockParam) => {
    const block = findBlock(chain, param)
    return block === undefined ? null : quantity(block.transactions.length)
  }
  const uncles = (param: BlockParam) => (findHeader(chain, param) === undefined ? null : '0x0')
  const header = (param: BlockParam) => {
    const found = findHeader(chain, param)
    return found === undefined ? null : headerJson(found)
  }
  const mined = (hash: unknown) => {
    const location = chain.transactionLocation(hashParam(hash))
    const block = location === undefined ? undefined : chain.blockByHash(location.blockHash)
    return location === undefined || block === undefined ? undefined : { block, index: location.index }
  }

  return {
    eth_chainId: () => quantity(chain.chainId),
    eth_blockNumber: () => quantity(chain.head('latest')?.header.number ?? 0n),
    eth_syncing: () => false,
    eth_accounts: () => [],
    eth_getBlockByNumber: ([block, full]) => shownBlock(blockParam(block), booleanParam(full, 'the second parameter')),
    eth_getBlockByHash: ([hash, full]) => shownBlock(atHash(hash), booleanParam(full, 'the second parameter')),
    eth_getHeaderByNumber: ([block]) => header(blockParam(block)),
    eth_getHeaderByHash: ([hash]) => header(atHash(hash)),
    eth_getBlockTransactionCountByNumber: ([block]) => count(blockParam(block)),
    eth_getBlockTransactionCountByHash: ([hash]) => count(atHash(hash)),
    eth_getUncleCountByBlockNumber: ([block]) => uncles(blockParam(block)),
    eth_getUncleCountByBlockHash: ([hash]) => uncles(atHash(hash)),
    eth_getUncleByBlockNumberAndIndex: () => null,
    eth_getUncleByBlockHashAndIndex: () => null,
    eth_getTransactionByBlockNumberAndIndex: ([block, index]) => transactionAt(blockParam(block), index),
    eth_getTransactionByBlockHashAndIndex: ([hash, index]) => transactionAt(atHash(hash), index),
    eth_getRawTransactionByBlockNumberAndIndex: ([block, index]) => rawTransactionAt(blockParam(block), index),
    eth_getRawTransactionByBlockHashAndIndex: ([hash, index]) => rawTransactionAt(atHash(hash), index),
    eth_getTransactionByHash: ([hash]) => {
      const found = mined(hash)
      if (found !== undefined) {
        return minedTransactionJson(found.block, found.index, chain.receiptsByHash(found.block.hash)?.[found.index])
      }
      const pooled = pool.get(hashParam(hash))
      return pooled === undefined ? null : pooledTransactionJson(pooled)
    },
    eth_getRawTransactionByHash: ([hash]) => {
      const found = mined(hash)
      const raw = found === undefined ? pool.get(hashParam(hash))?.raw : found.block.transactions[found.index]
      return raw === undefined ? null : bytesToHex(raw)
    },
    eth_getTransactionReceipt: ([hash]) => {
      const found = mined(hash)
      if (found === undefined) return null
      return receiptJson(found.block, found.index, chain.receiptsByHash(found.block.hash)?.[found.index])
    },
    eth_getBlockReceipts: ([param]) => {
      const block = findBlock(chain, blockParam(param))
      const receipts = block === undefined ? undefined : chain.receiptsByHash(block.hash)
      if (block === undefined || receipts === undefined) return null
      return receipts.map((receipt, index) => receiptJson(block, index, receipt))
    },
  }
}
