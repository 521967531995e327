// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { makePool } = await import('./make-pool.ts')

parentPort.postMessage(await makePool(workerData))
