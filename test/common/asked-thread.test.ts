import { afterEach, expect, test } from 'vitest'
import { AskedThread } from '../../common/asked-thread.ts'

type Task = { readonly id: number; readonly say: string }

const source = `
import { parentPort } from 'node:worker_threads'
const held = []
parentPort.on('message', ({ id, say }) => {
  if (say === 'die') throw new Error('it broke')
  if (say === 'hold') held.push(id)
  else if (say === 'release') for (const id of held.reverse()) parentPort.postMessage({ id, done: 'held' })
  else if (say === 'fail') parentPort.postMessage({ id, failed: { code: 'lost', message: 'not here' } })
  else {
    if (say === 'aside') parentPort.postMessage({ aside: id })
    parentPort.postMessage({ id, done: say })
  }
})
parentPort.postMessage('loaded')`

const file = new URL(`data:text/javascript,${encodeURIComponent(source)}`)
let thread: AskedThread<Task, string, { readonly aside: number }> | undefined
afterEach(() => thread?.close())

function started(
  options: { readonly waitingMax?: number; readonly onOther?: (other: { aside: number }) => void } = {},
) {
  const errorOf = ({ code, message }: { code: string | undefined; message: string }) => new Error(`${code}: ${message}`)
  const opened = new AskedThread<Task, string, { readonly aside: number }>({ file, name: 'tests', errorOf, ...options })
  thread = opened
  return { opened, ask: (say: string) => opened.ask((id) => ({ id, say })) }
}

test('each task has its own reply, though they come in another order', async () => {
  const { opened, ask } = started()
  const order: string[] = []
  const held = ['first', 'second'].map((name) => ask('hold').then(() => order.push(name)))
  expect(await ask('hello')).toBe('hello')
  opened.tell({ id: 0, say: 'release' })
  await Promise.all(held)
  expect(order).toEqual(['second', 'first'])
})

test('a task that fails is told as its own kind of error, and others go on', async () => {
  const { ask } = started()
  const other = ask('hold')
  await expect(ask('fail')).rejects.toThrow('lost: not here')
  thread?.tell({ id: 0, say: 'release' })
  expect(await other).toBe('held')
})

test('a thread that dies fails all that wait, and the next task starts another', async () => {
  const { ask } = started()
  const waiting = [ask('hold'), ask('hold'), ask('die')]
  for (const task of waiting) await expect(task).rejects.toThrow('it broke')
  expect(await ask('again')).toBe('again')
})

test('closing fails all that wait', async () => {
  const { opened, ask } = started()
  const waiting = ask('hold')
  const failed = expect(waiting).rejects.toThrow('the thread for tests was closed')
  await opened.close()
  await failed
})

test('one more than may wait is refused, and taken again when one is done', async () => {
  const { opened, ask } = started({ waitingMax: 2 })
  const held = [ask('hold'), ask('hold')]
  await expect(ask('more')).rejects.toThrow('2 tasks wait for the thread for tests')
  opened.tell({ id: 0, say: 'release' })
  await Promise.all(held)
  expect(await ask('more')).toBe('more')
})

test('what is no reply goes to its own listener', async () => {
  const heard: number[] = []
  const { ask } = started({ onOther: ({ aside }) => heard.push(aside) })
  expect(await ask('aside')).toBe('aside')
  expect(heard).toEqual([1])
})
