import { type FailedJob, runInThread } from '../../common/thread-job.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { EpochRecord } from '../../protocol/epoch-record.ts'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import type { BatchHeader } from '../../protocol/receipt-batch.ts'
import type { Demanded } from './answer.ts'
import type { BuiltEpoch } from './build-epoch.ts'
import type { Call, Verdict } from './challenge.ts'
import type { EpochData } from './check-epoch.ts'
import { DataError } from './data-error.ts'
import { leafRowBytes } from './epoch-rows.ts'
import { EpochError, type EpochProgress, type EpochTask } from './epoch-task.ts'
import type { EpochFacts } from './mature-batch.ts'
import type { OpenEpoch, OpenedFile } from './open-epoch.ts'
import { RowTree } from './row-tree.ts'

export type ThreadOptions = {
  /** Ends the thread; the promise fails with the signal's reason. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: EpochProgress) => void
}

/** `buildEpoch` on a thread of its own, so that a million credits do not stop the host; the task is copied to it. */
export async function buildEpochInThread(task: EpochTask, options: ThreadOptions = {}): Promise<BuiltEpoch> {
  const { header, file, levels } = await inThread<Built>({ task }, options)
  const tree = (rows: readonly Uint8Array[]) => RowTree.ofLevels(leafRowBytes, rows)
  return { header, file, credits: tree(levels.credits), payouts: tree(levels.payouts) }
}

/** `checkEpoch` on a thread of its own. */
export function checkEpochInThread(
  record: EpochRecord,
  data: EpochData,
  facts: EpochFacts,
  options: ThreadOptions = {},
): Promise<Verdict> {
  return inThread<Verdict>({ task: facts, proposed: { record, data } }, options)
}

/** `payoutsUnder` on a thread of its own. */
export function payoutsUnderInThread(
  root: Hex,
  file: Uint8Array,
  options: ThreadOptions = {},
): Promise<Uint8Array | undefined> {
  return inThread({ published: { root, file } }, options)
}

/** The rows of an epoch file with their trees, on a thread of its own. Throws DataError for bytes that are none. */
export async function openEpochInThread(file: Uint8Array, options: ThreadOptions = {}): Promise<OpenEpoch> {
  const { rows, levels } = await inThread<OpenedFile>({ file }, options)
  const open = (name: 'credits' | 'payouts') => ({
    rows: rows[name],
    tree: RowTree.ofLevels(leafRowBytes, levels[name]),
  })
  return { credits: open('credits'), payouts: open('payouts') }
}

/** `answerOfBatch` on a thread of its own. */
export function answerInThread(
  demand: Demanded,
  batch: { readonly header: BatchHeader; readonly file: Uint8Array },
  options: ThreadOptions = {},
): Promise<Call | undefined> {
  return inThread<Call | undefined>({ answer: { demand, ...batch } }, options)
}

type Built = Pick<BuiltEpoch, 'file'> & {
  readonly header: EpochHeader
  readonly levels: { readonly credits: readonly Uint8Array[]; readonly payouts: readonly Uint8Array[] }
}
function inThread<T>(data: object, options: ThreadOptions): Promise<T> {
  const file = new URL('./epoch-worker.mjs', import.meta.url)
  return runInThread<T, EpochProgress>({ file, data, errorOf, ...options })
}

function errorOf({ code, message }: FailedJob): Error {
  const known = code === 'empty' || code === 'overflow'
  if (known) return new EpochError(code, message)
  const isData = code === 'kind' || code === 'length' || code === 'value'
  return isData ? new DataError(code, message) : new Error(message)
}
