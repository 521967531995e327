// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { IndexFolder } = await import('./index-folder.ts')
const { SpanJobs } = await import('./span-jobs.ts')

const jobs = new SpanJobs(new IndexFolder(workerData.dir))
const run = (task) => {
  if (task.kind === 'attribute') return jobs.attribute(task.ids, task.output, task.isDead)
  return task.kind === 'attributeV2' ? jobs.attributeV2(task.question) : jobs.judge(task.question)
}

parentPort.on('message', ({ job, task }) => {
  try {
    parentPort.postMessage({ job, done: run(task) })
  } catch (error) {
    parentPort.postMessage({ job, failed: { code: error.code, message: error.message } })
  }
})
