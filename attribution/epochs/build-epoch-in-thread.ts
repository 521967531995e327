import { Worker } from 'node:worker_threads'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import type { BuiltEpoch } from './build-epoch.ts'
import { leafRowBytes } from './epoch-rows.ts'
import { EpochError, type EpochProgress, type EpochTask } from './epoch-task.ts'
import { RowTree } from './row-tree.ts'

type Answer =
  | { readonly progress: EpochProgress }
  | { readonly failed: { readonly code: string | undefined; readonly message: string } }
  | {
      readonly header: EpochHeader
      readonly file: Uint8Array
      readonly levels: { readonly credits: readonly Uint8Array[]; readonly payouts: readonly Uint8Array[] }
    }

/**
 * {@link buildEpoch} on a thread of its own, so that a million credits do not stop the host; the task is copied to it. Aborting
 * ends the thread. Throws what `buildEpoch` throws, or the signal's reason.
 */
export async function buildEpochInThread(
  task: EpochTask,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (progress: EpochProgress) => void } = {},
): Promise<BuiltEpoch> {
  const { signal, onProgress } = options
  signal?.throwIfAborted()
  const worker = new Worker(new URL('./epoch-worker.mjs', import.meta.url), { workerData: task })
  let abort = () => {}
  const built = new Promise<BuiltEpoch>((resolve, reject) => {
    abort = () => reject(signal?.reason)
    worker.on('error', reject)
    worker.on('exit', () => reject(new Error('the thread that builds epochs ended')))
    worker.on('message', (answer: Answer) => {
      if ('progress' in answer) onProgress?.(answer.progress)
      else if ('failed' in answer) reject(errorOf(answer.failed))
      else resolve(builtOf(answer))
    })
  })
  signal?.addEventListener('abort', abort)
  try {
    return await built
  } finally {
    signal?.removeEventListener('abort', abort)
    await worker.terminate()
  }
}

function builtOf({ header, file, levels }: Extract<Answer, { header: EpochHeader }>): BuiltEpoch {
  const tree = (rows: readonly Uint8Array[]) => RowTree.ofLevels(leafRowBytes, rows)
  return { header, file, credits: tree(levels.credits), payouts: tree(levels.payouts) }
}

function errorOf({ code, message }: { readonly code: string | undefined; readonly message: string }): Error {
  return code === 'empty' || code === 'overflow' || code === 'overpaid'
    ? new EpochError(code, message)
    : new Error(message)
}
