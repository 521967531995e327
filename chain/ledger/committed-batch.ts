import { CodedError } from '../../common/errors.ts'
import { bytesToHex, fixedHex, type Hex, hexToBytes, parseQuantity, quantity } from '../../protocol/bytes.ts'
import { committedBatch as readCommittedBatch } from '../../protocol/commit-batch.ts'
import { type BatchHeader, batchHash, type Segment } from '../../protocol/receipt-batch.ts'
import { callContract, readHead } from './l2-calls.ts'
import type { L2Rpc } from './l2-rpc.ts'
import { eventTopic, moneyContracts } from './money-contracts.ts'

/** A batch as its worker committed it: all that challenges of it need. */
export type CommittedBatch = { readonly header: BatchHeader; readonly segments: readonly Segment[] }

/** `moved`: the chain changed while it was read; read again. */
export class CommittedBatchError extends CodedError<'moved'> {}

/**
 * The batch of that id; undefined where there is none. The contract stores a hash alone: header and segments stand in the
 * calldata of the transaction that committed it, which the contract enforces.
 */
export async function committedBatch(rpc: L2Rpc, batchId: bigint): Promise<CommittedBatch | undefined> {
  const id: Hex = `0x${batchId.toString(16).padStart(64, '0')}`
  const filter = {
    address: moneyContracts.InferenceMarket,
    topics: [eventTopic('InferenceMarket', 'BatchCommitted'), id],
  }
  let last = (await readHead(rpc, 'latest'))?.number ?? 0n
  while (true) {
    const first = last < logBlocks ? 0n : last - logBlocks + 1n
    const range = { ...filter, fromBlock: quantity(first), toBlock: quantity(last) }
    const [log] = (await rpc.request('eth_getLogs', [range])) as { readonly transactionHash: Hex }[]
    if (log !== undefined) return await batchOfTransaction(rpc, batchId, log.transactionHash)
    if (first === 0n) return undefined
    last = first - 1n
  }
}

/** Blocks of one look for logs; engines refuse more. */
const logBlocks = 5_000n

/** The batch that a transaction committed under this id. Throws {@link CommittedBatchError}. */
export async function batchOfTransaction(rpc: L2Rpc, batchId: bigint, txHash: Hex): Promise<CommittedBatch> {
  const tx = (await rpc.request('eth_getTransactionByHash', [txHash])) as Record<string, string | null> | null
  const moved = () => new CommittedBatchError('moved', `batch ${batchId} is not in the transaction ${txHash}`)
  if (tx?.['blockNumber'] === undefined || tx['blockNumber'] === null) throw moved()
  const l2Block = parseQuantity(tx['blockNumber'], 'block number')
  const [block, stored] = await Promise.all([
    readHead(rpc, l2Block),
    callContract(rpc, { contract: 'InferenceMarket', functionName: 'batchHash', args: [batchId] }),
  ])
  if (block === undefined) throw moved()
  const worker = fixedHex(tx['from'], 20, 'sender')
  const place = { batchId, worker, committedAt: block.time, l2Block }
  const { header, segments } = readCommittedBatch(hexToBytes(String(tx['input'])), place)
  if (bytesToHex(batchHash(header)) !== stored) throw moved()
  return { header, segments }
}
