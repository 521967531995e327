// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { lowerPriority } = await import('../../common/thread-priority.ts')
const { SketchJobs } = await import('./sketch-jobs.ts')

// Blocks come first.
lowerPriority()
const jobs = new SketchJobs(workerData, (message) => parentPort.postMessage(message))
parentPort.on('message', (message) => jobs.take(message))
parentPort.postMessage('loaded')
