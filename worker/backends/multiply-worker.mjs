// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { product } = await import('../../p2p/workers/challenge/hardware-challenge.ts')

const startMs = performance.now()
const result = product(workerData)
parentPort.postMessage({ done: { result, ms: performance.now() - startMs } })
