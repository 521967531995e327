import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'
import { Child } from './child.ts'
import type { DevLayout } from './layout.ts'
import { recordProcesses } from './leftovers.ts'

/** The L1's name: it is stopped last. */
export const l1Name = 'l1'

type StartOptions = { readonly env?: Readonly<Record<string, string>>; readonly needsOthers?: boolean }

/** The processes of a dev chain, in the order of starting. */
export class Processes {
  readonly #layout: Pick<DevLayout, 'logs' | 'processes'>
  readonly #log: Log
  readonly #children: Child[] = []
  #fail: (error: unknown) => void = () => {}
  /** Rejects when one of them cannot be kept running; never resolves. */
  readonly failed: Promise<never>

  constructor(layout: Pick<DevLayout, 'logs' | 'processes'>, log: Log) {
    this.#layout = layout
    this.#log = log
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => {})
  }

  start(
    name: string,
    file: string,
    args: readonly string[],
    { env = {}, needsOthers = false }: StartOptions = {},
  ): void {
    const logFile = join(this.#layout.logs, `${name}.log`)
    const child = new Child(
      { name, file, args, env, logFile, needsOthers, onStart: () => this.#record() },
      { log: this.#log, clock: systemClock },
    )
    child.finished.catch((error: unknown) => this.#fail(error))
    this.#children.push(child)
    this.#record()
  }

  /** Another process of this very program. */
  startSelf(name: string, args: readonly string[], options: StartOptions = {}): void {
    const entry = fileURLToPath(new URL('../openledger.mjs', import.meta.url))
    this.start(name, process.execPath, [entry, ...args, '--log.format', 'json'], options)
  }

  /** The L1 last: a node that stops still talks to it. */
  async stop(): Promise<void> {
    const [l1, others] = [
      this.#children.filter(({ name }) => name === l1Name),
      this.#children.filter(({ name }) => name !== l1Name),
    ]
    await Promise.all(others.map((child) => child.stop()))
    await Promise.all(l1.map((child) => child.stop()))
    recordProcesses(this.#layout.processes, [])
  }

  #record(): void {
    recordProcesses(this.#layout.processes, this.#children)
  }
}
