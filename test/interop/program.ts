import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

/** Milliseconds a program may take until it serves. */
const startMsMax = 60_000

export type ProgramOptions = {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly logFile: string
  /** Resolves once the program serves. */
  readonly ready: () => Promise<unknown>
}

/** A program in a process of its own, which a test may kill and start again, with other arguments if it likes. */
export class Program {
  readonly options: ProgramOptions
  #process: ChildProcess | undefined

  constructor(options: ProgramOptions) {
    this.options = options
  }

  /** Resolves when it serves; rejects with the end of its log where it does not come so far. */
  async start(args: readonly string[] = this.options.args): Promise<void> {
    const { name, file, env, logFile, ready } = this.options
    const log = openSync(logFile, 'a')
    const child = spawn(file, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env } })
    closeSync(log)
    this.#process = child
    const end = Date.now() + startMsMax
    for (;;) {
      try {
        await ready()
        return
      } catch (cause) {
        if (child.exitCode !== null || Date.now() > end) {
          await this.kill()
          throw new Error(`${name} did not start:\n${this.logTail()}`, { cause })
        }
        await new Promise((done) => setTimeout(done, 100))
      }
    }
  }

  /** The end of what it wrote. */
  logTail(): string {
    return readFileSync(this.options.logFile, 'utf8').slice(-3_000)
  }

  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill(signal)
    await gone
  }
}
