import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, type WriteStream } from 'node:fs'
import type { Clock } from '../../common/clock.ts'
import { CodedError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { exitCodes } from '../command.ts'

/** Time a child has to stop by itself before it is killed: all of `dev` must be down within 5 s. */
export const stopMsMax = 4000
/** First wait before a child that died is started again; doubles up to the maximum. */
export const restartMsMin = 500
export const restartMsMax = 10_000
/** A child that ran this long is healthy: its next restart waits the minimum again. */
const healthyMs = 30_000
/** Starts in a row that end within {@link healthyMs} before `dev` gives up. */
const failuresMax = 8

export type ChildOptions = {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Receives what the child prints. */
  readonly logFile: string
  /** It asks another process when it starts, which may be down: then it is tried again where it ends with an error. */
  readonly needsOthers?: boolean
  /** Called whenever a process was started. */
  readonly onStart: () => void
}

/** A process that `dev` owns: started again when it dies, stopped with `dev`. */
export class Child {
  readonly #options: ChildOptions
  readonly #parts: { readonly log: Log; readonly clock: Clock }
  readonly #stop = new AbortController()
  readonly #output: WriteStream
  #process: ChildProcess | undefined
  #running: Promise<void> = Promise.resolve()
  #lastLines = ''
  /** Rejects when the child cannot be kept running; never resolves before `stop`. */
  readonly finished: Promise<void>

  constructor(options: ChildOptions, parts: { readonly log: Log; readonly clock: Clock }) {
    this.#options = options
    this.#parts = parts
    this.#output = createWriteStream(options.logFile, { flags: 'a' })
    this.finished = this.#keepRunning()
    this.finished.catch(() => {})
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  get name(): string {
    return this.#options.name
  }

  /** Resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#stop.abort()
    const child = this.#process
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax)
      await this.#running
      clearTimeout(timer)
    }
    await this.finished.catch(() => {})
    await new Promise<void>((resolve) => this.#output.end(() => resolve()))
  }

  async #keepRunning(): Promise<void> {
    let waitMs = restartMsMin
    let failures = 0
    while (!this.#stop.signal.aborted) {
      const startedMs = this.#parts.clock.nowMs()
      const code = await this.#runOnce()
      if (this.#stop.signal.aborted) return
      const healthy = this.#parts.clock.nowMs() - startedMs >= healthyMs
      // Ended by a signal (code null) it did not fail: someone killed it.
      const failed = !healthy && code !== null
      failures = failed ? failures + 1 : 0
      waitMs = failed ? waitMs : restartMsMin
      const isFinal = code === exitCodes.usage || (code === exitCodes.error && this.#options.needsOthers !== true)
      if (isFinal || failures >= failuresMax) throw this.#failure(code)
      this.#parts.log.warn('child died, starting it again', { child: this.name, code, waitMs })
      await this.#parts.clock.sleep(waitMs, this.#stop.signal)
      waitMs = Math.min(waitMs * 2, restartMsMax)
    }
  }

  #runOnce(): Promise<number | null> {
    const { file, args, env, name } = this.#options
    // A group of its own: Ctrl-C on the terminal reaches only `dev`, which stops its children in order.
    const child = spawn(file, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.#process = child
    this.#options.onStart()
    this.#parts.log.debug('child started', { child: name, pid: child.pid })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#output.write(chunk)
        this.#lastLines = (this.#lastLines + chunk.toString('utf8')).slice(-2000)
      })
    }
    const exit = new Promise<number | null>((resolve) => {
      child.once('error', (error) => {
        this.#lastLines = error.message
        resolve(exitCodes.error)
      })
      child.once('exit', (code) => resolve(code))
    })
    this.#running = exit.then(() => {})
    return exit
  }

  #failure(code: number | null): ChildError {
    const last = this.#lastLines.trim().split('\n').slice(-3).join(' | ')
    return new ChildError(
      'child-failed',
      `${this.name} stopped with exit code ${code}: ${last} (log: ${this.#options.logFile})`,
    )
  }
}

/** A process of the dev chain cannot be kept running. */
export class ChildError extends CodedError<'child-failed'> {}
