import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { HttpRpcClient } from '../../common/json-rpc.ts'

/** `openledger dev` as a user starts it: a process of its own with all that it starts. */
export class DevChain {
  readonly dir: string
  readonly portBase: number
  #process: ChildProcess | undefined
  #output = ''

  constructor(dir: string, portBase: number) {
    this.dir = dir
    this.portBase = portBase
  }

  get output(): string {
    return this.#output
  }

  start(): void {
    const entry = resolve(import.meta.dirname, '../../cli/openledger.mjs')
    const args = [entry, 'dev', '--datadir', this.dir, '--port-base', String(this.portBase), '--log.format', 'text']
    this.#process = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString('utf8')
      })
    }
  }

  /** Resolves to the exit code. */
  async signal(name: 'SIGINT' | 'SIGKILL'): Promise<number | null> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null
    const exit = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
    child.kill(name)
    return await exit
  }

  /** Ends everything, whatever state it is in. */
  async destroy(): Promise<void> {
    await this.signal('SIGINT')
    for (const { pid } of this.processes()) kill(pid)
  }

  processes(): readonly { readonly name: string; readonly pid: number }[] {
    try {
      return JSON.parse(readFileSync(join(this.dir, 'processes.json'), 'utf8')) as { name: string; pid: number }[]
    } catch {
      return []
    }
  }

  rpc(which: 'l1' | 'sequencerEth' | 'sequencerRollup' | 'verifierEth' | 'verifierRollup'): HttpRpcClient {
    const offsets = { l1: 0, sequencerEth: 1, sequencerRollup: 2, verifierEth: 3, verifierRollup: 4 }
    return new HttpRpcClient({ url: `http://127.0.0.1:${this.portBase + offsets[which]}`, timeoutMs: 5000 })
  }

  async graphql(query: string): Promise<Record<string, unknown>> {
    const answer = await fetch(`http://127.0.0.1:${this.portBase + 5}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
      signal: AbortSignal.timeout(5000),
    })
    const { data, errors } = (await answer.json()) as { data?: Record<string, unknown>; errors?: readonly unknown[] }
    if (data === undefined || errors !== undefined) throw new Error(JSON.stringify(errors))
    return data
  }

  /** Repeats `look` until it gives a value; errors count as none yet. */
  async until<T>(what: string, look: () => Promise<T | undefined>, msMax = 120_000): Promise<T> {
    const end = Date.now() + msMax
    let last: unknown
    while (Date.now() < end) {
      try {
        const value = await look()
        if (value !== undefined) return value
      } catch (error) {
        last = error
      }
      await new Promise((done) => setTimeout(done, 250))
    }
    throw new Error(`${what}: not within ${msMax / 1000} s (${String(last)})\n${this.#output.slice(-2000)}`)
  }
}

export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended before.
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}
