// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { QuarrelJobs } = await import('./quarrel-jobs.ts')

const jobs = new QuarrelJobs(workerData, (message) => parentPort.postMessage(message))
parentPort.on('message', (message) => jobs.take(message))
