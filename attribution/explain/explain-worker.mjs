// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { failedJob } = await import('../../common/thread-job.ts')
const { AnswerExplainer } = await import('./answer-explainer.ts')

const explainer = new AnswerExplainer(workerData)

parentPort.on('message', ({ id, task }) => {
  try {
    const done = task.kind === 'contributions' ? explainer.contributions(task.answer) : explainer.explain(task.question)
    parentPort.postMessage({ id, done })
  } catch (error) {
    parentPort.postMessage({ id, failed: failedJob(error) })
  }
})
parentPort.postMessage('loaded')
