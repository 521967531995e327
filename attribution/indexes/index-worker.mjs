// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { runIndexJob } = await import('./index-jobs.ts')

try {
  parentPort.postMessage({ done: runIndexJob(workerData, (progress) => parentPort.postMessage({ progress })) })
} catch (error) {
  parentPort.postMessage({ failed: { code: error.code, message: error.message } })
}
