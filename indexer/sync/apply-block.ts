import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { handleCodeRegistry } from '../handlers/code-registry.ts'
import { handleDatanetRegistry } from '../handlers/datanet-registry.ts'
import { handleLabels } from '../handlers/labels.ts'
import { BlockWriter } from '../store/block-writer.ts'
import type { Store } from '../store/store.ts'
import type { IndexedBlock, IndexedTransaction } from './chain-client.ts'

/** Writes one block with all that follows from it. The caller holds the transaction. Returns the block's digest. */
export function applyBlock(store: Store, block: IndexedBlock, previousDigest: string): string {
  const writer = new BlockWriter(store, block.number, previousDigest)
  for (const tx of block.transactions) {
    writer.insert('tx', transactionRow(tx, block.number))
    const context = { block: block.number, tx, writer }
    for (const log of tx.logs) {
      const [topic0, topic1, topic2, topic3] = log.topics
      const topics = { topic0: topic0 ?? null, topic1: topic1 ?? null, topic2: topic2 ?? null, topic3: topic3 ?? null }
      writer.insert('log', {
        block: block.number,
        idx: log.index,
        tx: tx.index,
        address: log.address,
        ...topics,
        data: log.data,
      })
      if (log.address === openLedgerPredeploys.datanetRegistry) handleDatanetRegistry(log, context)
      else if (log.address === openLedgerPredeploys.codeRegistry) handleCodeRegistry(log, context)
    }
    handleLabels(tx, context)
  }
  const digest = writer.digest()
  store.run(
    'insert into block values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    block.number,
    block.hash,
    block.parentHash,
    block.timestamp,
    String(block.gasUsed),
    String(block.gasLimit),
    String(block.baseFee),
    block.transactions.length,
    block.stateRoot,
    digest,
  )
  return digest
}

function transactionRow(tx: IndexedTransaction, block: number) {
  return {
    block,
    idx: tx.index,
    hash: tx.hash,
    sender: tx.from,
    recipient: tx.to ?? null,
    type: tx.type,
    nonce: String(tx.nonce),
    value: String(tx.value),
    input: tx.input,
    status: tx.status,
    gas_used: String(tx.gasUsed),
    gas_price: String(tx.gasPrice),
    l1_fee: tx.l1Fee === undefined ? null : String(tx.l1Fee),
    contract: tx.contract ?? null,
  }
}
