import { describe, expect, test } from 'vitest'
import { Serial } from '../../../common/serial.ts'
import { type Next, runLoop, runTogether, Wake } from '../../../node/driver/loop.ts'
import { ManualClock } from '../../fakes/manual-clock.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

function looping(answers: readonly (Next | { readonly afterMs: number; readonly firm: true })[]) {
  const clock = new ManualClock()
  const wake = new Wake()
  const stop = new AbortController()
  let steps = 0
  const ended = runLoop(async () => answers[steps++] ?? 'idle', { clock, wake, signal: stop.signal })
  return { clock, wake, stop, ended, steps: () => steps }
}

describe('loop', () => {
  test('idles until it is woken, and remembers a bell that rang during the step', async () => {
    const { wake, stop, ended, steps } = looping(['idle', 'idle', 'idle'])
    await turn()
    expect(steps()).toBe(1)
    wake.ring()
    await turn()
    expect(steps()).toBe(2)
    stop.abort()
    await ended
  })

  test('a wait ends with its time or the bell; a firm one only with its time', async () => {
    const { clock, wake, stop, ended, steps } = looping([
      { afterMs: 100 },
      { afterMs: 100 },
      { afterMs: 100, firm: true },
    ])
    await turn()
    clock.advance(100)
    await turn()
    expect(steps()).toBe(2)
    wake.ring()
    await turn()
    expect(steps()).toBe(3)
    wake.ring()
    await turn()
    expect(steps()).toBe(3)
    clock.advance(100)
    await turn()
    expect(steps()).toBeGreaterThanOrEqual(4)
    stop.abort()
    await ended
  })

  test('ends when the signal aborts, whatever it waits for', async () => {
    for (const next of ['idle', { afterMs: 1e9 }, { afterMs: 1e9, firm: true }] as const) {
      const { stop, ended } = looping([next])
      await turn()
      stop.abort()
      await ended
    }
  })

  test('loops that run together end together with the first failure', async () => {
    const idle = (signal: AbortSignal) =>
      runLoop(async () => 'idle', { clock: new ManualClock(), wake: new Wake(), signal })
    const failing = async () => {
      throw new Error('first')
    }
    await expect(runTogether(new AbortController().signal, [idle, failing, idle])).rejects.toThrow('first')
  })

  test('serial actions do not overlap, and a failure does not stop the next', async () => {
    const serial = new Serial()
    const order: string[] = []
    const action = (name: string, fails = false) =>
      serial.run(async () => {
        order.push(`${name} begins`)
        await turn()
        order.push(`${name} ends`)
        if (fails) throw new Error(name)
      })
    const [a, b] = [action('a', true), action('b')]
    await expect(a).rejects.toThrow('a')
    await b
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
  })
})
