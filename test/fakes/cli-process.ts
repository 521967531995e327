import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'

/** The exit code, or the signal that ended it. */
export type Ended = number | NodeJS.Signals | null

const entry = resolve(import.meta.dirname, '../../cli/openledger.mjs')

/** `openledger` as an operator runs it. */
export class CliProcess {
  readonly #child: ChildProcess
  readonly #exit: Promise<Ended>
  #stderr = ''

  /** `fileKiBMax`: no file may grow beyond it, as on a disk that is full. */
  constructor(
    args: readonly string[],
    { env = {}, fileKiBMax }: { readonly env?: Record<string, string>; readonly fileKiBMax?: number } = {},
  ) {
    const command = [process.execPath, entry, ...args]
    const [file = '', ...rest] =
      fileKiBMax === undefined ? command : ['bash', '-c', `ulimit -f ${fileKiBMax}; exec "$@"`, 'bash', ...command]
    this.#child = spawn(file, rest, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString('utf8')
    })
    this.#exit = new Promise((done) => this.#child.once('exit', (code, signal) => done(code ?? signal)))
  }

  /** Logs and errors so far. */
  get stderr(): string {
    return this.#stderr
  }

  /** What was written that is no log line: the command's own last words. */
  get words(): string[] {
    return this.#stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
  }

  ended(): Promise<Ended> {
    return this.#exit
  }

  /** Resolves when `text` was written. Rejects where the process ends before. */
  async until(text: string): Promise<void> {
    let code: Ended | undefined
    void this.#exit.then((exited) => {
      code = exited
    })
    while (!this.#stderr.includes(text)) {
      if (code !== undefined) throw new Error(`ended with ${code} before "${text}":\n${this.#stderr}`)
      await new Promise((done) => setTimeout(done, 20))
    }
  }

  /** Sends SIGTERM. */
  stop(): Promise<Ended> {
    this.#child.kill('SIGTERM')
    return this.#exit
  }
}
