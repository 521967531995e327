// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript; it brings its own.
import { parentPort, workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { buildIndex } = await import('./build-index.ts')
const { finishIndexFile } = await import('./index-file-builder.ts')

const { text, build, starts, subject } = workerData
try {
  if (build === undefined) {
    const { record, tables } = buildIndex(text, subject)
    const done = { record, suffixes: tables.suffixes.values, unigrams: tables.unigrams }
    parentPort.postMessage({ done }, [done.suffixes.buffer, done.unigrams.buffer])
  } else {
    parentPort.postMessage({ done: finishIndexFile(build, starts, subject) })
  }
} catch (error) {
  parentPort.postMessage({ failed: { code: error.code, message: error.message } })
}
