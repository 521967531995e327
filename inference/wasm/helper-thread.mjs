// Plain JavaScript, because a worker thread starts without the loader that reads TypeScript.
import { workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
const { help } = await import('./helper-thread.ts')
help(workerData)
