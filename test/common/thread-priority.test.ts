import { once } from 'node:events'
import { getPriority } from 'node:os'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'

const source = `
  (async () => {
    const { register } = await import('tsx/esm/api')
    register()
    const { lowerPriority } = await import(require('node:path').resolve('common/thread-priority.ts'))
    lowerPriority()
    require('node:worker_threads').parentPort.postMessage(require('node:os').getPriority())
  })()`

test.runIf(process.platform === 'linux')(
  'a thread that steps back leaves the priority of the process alone',
  async () => {
    const before = getPriority()
    const worker = new Worker(source, { eval: true })
    const [ofThread] = await once(worker, 'message')
    await worker.terminate()
    expect(ofThread).toBe(19)
    expect(getPriority()).toBe(before)
  },
  30_000,
)
