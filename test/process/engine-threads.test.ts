import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const program = join(import.meta.dirname, '../fakes/threaded-engine.mjs')

async function run(how: 'close' | 'leave'): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [program, how], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const [code] = await once(child, 'close')
  return { code, output }
}

test.each(['close', 'leave'] as const)('a process whose engine has two threads ends by itself: %s', async (how) => {
  // Two threads took part, and after them, where the engine was closed, one alone gave the same.
  expect(await run(how)).toEqual({
    code: 0,
    output: how === 'close' ? 'threads 2 same\nthreads 1 same\n' : 'threads 2 same\n',
  })
})
