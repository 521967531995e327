// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { buildEpoch } = await import('./build-epoch.ts')
try {
  const built = buildEpoch(workerData, (progress) => parentPort.postMessage({ progress }))
  const { header, file, credits, payouts } = built
  const levels = { credits: credits.levels, payouts: payouts.levels }
  const buffers = [...credits.levels, ...payouts.levels, file].map((bytes) => bytes.buffer)
  parentPort.postMessage({ header, file, levels }, buffers)
} catch (error) {
  parentPort.postMessage({ failed: { code: error.code, message: error.message } })
}
