// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { failedJob } = await import('../../common/thread-job.ts')
const { IndexFolder } = await import('./index-folder.ts')
const { SpanJobs } = await import('./span-jobs.ts')
const { GradientFolders } = await import('../influences/gradient-folders.ts')
const { QueryMaker } = await import('../influences/query-maker.ts')

const queries = new QueryMaker(new GradientFolders(workerData.folders))
const jobs = new SpanJobs(new IndexFolder(workerData.dir), queries)
const run = (task) => {
  if (task.kind === 'attribute') return jobs.attribute(task.ids, task.output, task.isDead)
  return task.kind === 'attributeV2' ? jobs.attributeV2(task.question) : jobs.judge(task.question)
}

parentPort.on('message', ({ id, task }) => {
  try {
    parentPort.postMessage({ id, done: run(task) })
  } catch (error) {
    parentPort.postMessage({ id, failed: failedJob(error) })
  }
})
parentPort.postMessage('loaded')
