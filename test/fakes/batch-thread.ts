import { BatchThread } from '../../attribution/epochs/batch-thread.ts'

/** One for all worlds of the tests, never closed: a thread keeps nothing between jobs, and takes half a second to start. */
export const sharedBatchThread = new BatchThread()
