// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { buildEpoch } = await import('./build-epoch.ts')
const { checkEpoch } = await import('./check-epoch.ts')
const { openEpochFile } = await import('./open-epoch.ts')
const { answerOfBatch } = await import('./answer.ts')
const { payoutsUnder } = await import('./payouts-under.ts')

const report = (progress) => parentPort.postMessage({ progress })
const { task, proposed, published, file, answer } = workerData
try {
  if (published !== undefined) {
    parentPort.postMessage({ done: payoutsUnder(published.root, published.file) })
  } else if (file !== undefined) {
    const { rows, levels } = openEpochFile(file)
    const all = [rows.credits, rows.payouts, ...levels.credits, ...levels.payouts]
    parentPort.postMessage(
      { done: { rows, levels } },
      all.map((bytes) => bytes.buffer),
    )
  } else if (answer !== undefined) {
    parentPort.postMessage({ done: answerOfBatch(answer.demand, answer.header, answer.file) })
  } else if (proposed === undefined) {
    const { header, file, credits, payouts } = buildEpoch(task, report)
    const done = { header, file, levels: { credits: credits.levels, payouts: payouts.levels } }
    const buffers = [...credits.levels, ...payouts.levels, file].map((bytes) => bytes.buffer)
    parentPort.postMessage({ done }, buffers)
  } else {
    parentPort.postMessage({ done: checkEpoch(proposed.record, proposed.data, task, report) })
  }
} catch (error) {
  parentPort.postMessage({ failed: { code: error.code, message: error.message } })
}
