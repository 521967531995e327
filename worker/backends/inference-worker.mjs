// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { InferenceJobs } = await import('./inference-jobs.ts')

const jobs = new InferenceJobs((message) => parentPort.postMessage(message))
parentPort.on('message', (message) => jobs.take(message))
parentPort.postMessage('loaded')
