import type { BatchHeader } from '../../protocol/receipt-batch.ts'
import type { BatchFile } from './batch-file.ts'
import type { EpochBatch, EpochTask } from './epoch-task.ts'

/** A batch of an epoch with its header and its whole file, which opens the header's roots (`checkBatch`). */
export type MatureBatch = EpochBatch & { readonly header: BatchHeader; readonly file: BatchFile }

/** What an epoch is checked against: what it should have been built from. */
export type EpochFacts = Omit<EpochTask, 'batches'> & { readonly batches: readonly MatureBatch[] }
