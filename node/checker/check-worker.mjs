// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { CheckJobs } = await import('./check-jobs.ts')

const jobs = new CheckJobs((message) => parentPort.postMessage(message))
parentPort.on('message', (message) => jobs.take(message))
