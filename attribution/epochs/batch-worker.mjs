// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { BatchJobs } = await import('./batch-jobs.ts')

const jobs = new BatchJobs((message) => parentPort.postMessage(message))
parentPort.on('message', (message) => jobs.take(message))
parentPort.postMessage('loaded')
