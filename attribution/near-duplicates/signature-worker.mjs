// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { signatureOf } = await import('./signature.ts')

try {
  parentPort.postMessage({ done: signatureOf(workerData.content) })
} catch (error) {
  parentPort.postMessage({ failed: { code: error.code, message: error.message } })
}
