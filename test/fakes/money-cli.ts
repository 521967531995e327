import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { vi } from 'vitest'
import { main } from '../../cli/main.ts'

const program = resolve(import.meta.dirname, '../../cli/openledger.mjs')

export type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** Runs the real binary to its end. `words` as on a shell's command line. */
export function openledger(
  words: readonly string[],
  { env = {}, cwd }: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [program, ...words], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')))
  return new Promise((done, fail) => {
    child.once('error', fail)
    child.once('close', (code) => done({ code, stdout, stderr }))
  })
}

/** The same command line in this process: what starting a process costs is spared, what it writes is caught. */
export async function openledgerHere(
  words: readonly string[],
  { env = {} }: { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  const written = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text)
      return true
    }),
  )
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  try {
    const code = await main(words)
    return { code, ...written }
  } finally {
    vi.unstubAllEnvs()
    for (const spy of spies) spy.mockRestore()
  }
}
