import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { devRoles } from '../../genesis/presets.ts'
import { freePort } from '../../test/fakes/anvil.ts'

type Head = { readonly number: number; readonly hash: string }

/** The program's entry, as npx runs it. */
export const entry = resolve(import.meta.dirname, '../../cli/openledger.mjs')
const startMsMax = 60_000

/** `openledger node` in a process of its own, in a folder that holds genesis.json and rollup.json. */
export class NodeProgram {
  readonly rollup: HttpRpcClient
  readonly eth: HttpRpcClient
  readonly ethPort: number
  readonly authPort: number
  readonly #args: readonly string[]
  readonly #logFile: string
  #process: ChildProcess | undefined

  private constructor(args: readonly string[], logFile: string, ports: { rollup: number; eth: number; auth: number }) {
    this.#args = args
    this.#logFile = logFile
    this.ethPort = ports.eth
    this.authPort = ports.auth
    this.rollup = new HttpRpcClient({ url: `http://127.0.0.1:${ports.rollup}`, timeoutMs: 30_000 })
    this.eth = new HttpRpcClient({ url: `http://127.0.0.1:${ports.eth}`, timeoutMs: 30_000 })
  }

  static async make(options: {
    readonly dir: string
    readonly name: string
    readonly l1: string
    readonly authPort?: number
  }): Promise<NodeProgram> {
    const { dir, name, l1, authPort = 0 } = options
    const ports = { rollup: await freePort(), eth: await freePort(), auth: authPort }
    const args = [
      ...[entry, 'node', '--datadir', join(dir, name), '--p2p.disable'],
      ...['--rollup.config', join(dir, 'rollup.json'), '--genesis', join(dir, 'genesis.json')],
      ...['--l1', l1, '--l1.beacon', l1, '--l1.http-poll-interval', '300ms'],
      ...['--http.port', String(ports.eth), '--rpc.port', String(ports.rollup)],
    ]
    return new NodeProgram(args, join(dir, `${name}.log`), ports)
  }

  async start(args: readonly string[]): Promise<void> {
    const log = openSync(this.#logFile, 'a')
    const child = spawn(process.execPath, [...this.#args, ...args], {
      stdio: ['ignore', log, log],
      env: { ...process.env, OPENLEDGER_BATCHER_PRIVATE_KEY: devPrivateKeys[devRoles.batcher] },
    })
    closeSync(log)
    this.#process = child
    for (const end = Date.now() + startMsMax; ; ) {
      try {
        await this.status()
        return
      } catch (error) {
        if (child.exitCode !== null || Date.now() > end) throw new Error(this.#lastLines(), { cause: error })
        await new Promise((done) => setTimeout(done, 100))
      }
    }
  }

  async status(): Promise<{ readonly unsafe_l2: Head; readonly safe_l2: Head }> {
    return (await this.rollup.request('optimism_syncStatus')) as { unsafe_l2: Head; safe_l2: Head }
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null) return
    await new Promise<void>((done) => {
      child.once('exit', () => done())
      child.kill('SIGTERM')
    })
  }

  #lastLines(): string {
    return `the node did not start: ${readFileSync(this.#logFile, 'utf8').slice(-600)}`
  }
}
