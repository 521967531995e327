import { expect, test } from 'vitest'
import { Gate } from '../../../../node/engine/embedded/call/gate.ts'

test('no more tasks run at once than allowed, all of the line get their turn in order, and the rest is refused', async () => {
  const gate = new Gate({ runningMax: 2, waitingMax: 2 })
  const ends: (() => void)[] = []
  const started: number[] = []
  const start = (id: number) =>
    gate.run(() => {
      started.push(id)
      return new Promise<number>((resolve) => ends.push(() => resolve(id)))
    })
  const tasks = [start(0), start(1), start(2), start(3)]
  await expect(start(4)).rejects.toMatchObject({ code: 'busy' })
  expect(started).toEqual([0, 1])
  for (const id of [0, 1, 2, 3]) {
    ends[id]?.()
    await tasks[id]
    await Promise.resolve()
  }
  expect(started).toEqual([0, 1, 2, 3])
  const after = start(5)
  ends.at(-1)?.()
  expect(await after).toBe(5)
})

test('a task that fails gives its place back', async () => {
  const gate = new Gate({ runningMax: 1, waitingMax: 0 })
  await expect(gate.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await gate.run(async () => 1)).toBe(1)
})
