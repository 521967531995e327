import type { BatchHeader } from '../../protocol/receipt-batch.ts'
import type { BatchData } from './batch-data.ts'
import type { BatchFile } from './batch-file.ts'
import type { EpochBatch, EpochTask } from './epoch-task.ts'

/**
 * A batch of an epoch with its header and its whole file, whose rows are under the header's roots (`readBatch`). `shown`: leaves
 * that were shown on chain, which tell of padding that the file does not.
 */
export type MatureBatch = EpochBatch & {
  readonly header: BatchHeader
  readonly file: BatchFile
  readonly shown?: Pick<BatchData, 'receipts' | 'entries'>
}

/** What an epoch is checked against: what it should have been built from. */
export type EpochFacts = Omit<EpochTask, 'batches'> & { readonly batches: readonly MatureBatch[] }
