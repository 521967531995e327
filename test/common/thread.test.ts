import { afterEach, expect, test } from 'vitest'
import { Thread } from '../../common/thread.ts'

type To = 'echo' | 'throw' | 'leave'

const source = `
import { parentPort, workerData } from 'node:worker_threads'
parentPort.postMessage('loaded')
parentPort.on('message', (message) => {
  if (message === 'throw') throw new Error('it broke')
  if (message === 'leave') process.exit(0)
  parentPort.postMessage(workerData + ' ' + message)
})`

let thread: Thread<To, string> | undefined
afterEach(() => thread?.close())

/** What the thread says or how it ends, in order. */
function started() {
  const heard: string[] = []
  let wake = () => {}
  const add = (line: string) => {
    heard.push(line)
    wake()
  }
  thread = new Thread<To, string>({
    file: new URL(`data:text/javascript,${encodeURIComponent(source)}`),
    name: 'tests',
    data: 'hears',
    onMessage: add,
    onEnd: (error) => add((error as Error).message),
  })
  const next = async (count: number): Promise<string[]> => {
    while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve))
    return heard
  }
  return { thread, next }
}

test('a thread runs from the first message on, not before', async () => {
  const { thread, next } = started()
  expect(thread.isRunning).toBe(false)
  thread.post('echo')
  expect(thread.isRunning).toBe(true)
  expect(await next(1)).toEqual(['hears echo'])
})

test.each([
  ['throws', 'throw', 'it broke'],
  ['leaves', 'leave', 'the thread for tests ended'],
] as const)('a thread that %s is told of once, and the next message starts another', async (_, message, said) => {
  const { thread, next } = started()
  thread.post(message)
  expect(await next(1)).toEqual([said])
  expect(thread.isRunning).toBe(false)
  thread.post('echo')
  expect(await next(2)).toEqual([said, 'hears echo'])
})

test('whoever waits for a thread that is closed is told at once, and hears nothing of it any more', async () => {
  const { thread, next } = started()
  thread.post('echo')
  const closed = thread.close()
  const said = ['the thread for tests was closed']
  expect(await next(0)).toEqual(said)
  expect(thread.isRunning).toBe(false)
  await closed
  expect(await next(0)).toEqual(said)
})

test('closing a thread that never ran says nothing', async () => {
  const heard: unknown[] = []
  const none = new Thread<To, string>({
    file: new URL('data:text/javascript,'),
    name: 'tests',
    onMessage: (message) => heard.push(message),
    onEnd: (error) => heard.push(error),
  })
  await none.close()
  expect(heard).toEqual([])
})

test('a thread that still loads is ended only when it has: a native module that is cut off takes the process down', async () => {
  const isLoaded = new Int32Array(new SharedArrayBuffer(4))
  const slow = `
    import { parentPort, workerData } from 'node:worker_threads'
    parentPort.on('message', () => {})
    setTimeout(() => {
      Atomics.store(workerData, 0, 1)
      parentPort.postMessage('loaded')
    }, 300)`
  const loading = new Thread<To, string>({
    file: new URL(`data:text/javascript,${encodeURIComponent(slow)}`),
    name: 'tests',
    data: isLoaded,
    onMessage: () => {},
    onEnd: () => {},
  })
  loading.post('echo')
  await loading.close()
  expect(Atomics.load(isLoaded, 0)).toBe(1)
})
