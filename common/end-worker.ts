import type { Worker } from 'node:worker_threads'

/** For a thread to load its modules, in ms; more than a busy machine was seen to need. */
const loadMsMax = 20_000

/**
 * Ends a thread once it has loaded its modules, or failed to: a native module that is interrupted while it loads takes the whole process
 * down (SIGABRT).
 */
export async function endWorker(worker: Worker, loaded: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, loadMsMax)
  })
  await Promise.race([loaded.catch(() => {}), late])
  clearTimeout(timer)
  await worker.terminate()
}
