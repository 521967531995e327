// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { buffersOf, runFileJob } = await import('./file-job.ts')

try {
  const answer = runFileJob(workerData)
  parentPort.postMessage(answer, buffersOf(answer))
} catch (error) {
  parentPort.postMessage({ failed: error.message })
}
