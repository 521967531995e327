// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { lowerPriority } = await import('../../common/thread-priority.ts')
const { makePool } = await import('./make-pool.ts')

// Blocks come first.
lowerPriority()
parentPort.postMessage(await makePool(workerData))
