import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import { freePort } from '../fakes/anvil.ts'
import { goVersion, programPath } from './go-programs.ts'

/** False without Go: then there is no op-geth, and tests that need it are skipped. */
export const hasGo = goVersion !== undefined

/** Time op-geth may take to open its database and serve. */
const startMsMax = 30_000
/** Its freezer looks once a minute. */
const freezeMsMax = 150_000

export type OpGethOptions = {
  /** Contents of genesis.json. */
  readonly genesis: unknown
  /** Holds the database, the secret and the log `op-geth.log`. */
  readonly dir: string
  /** 32 bytes; default: a fixed one. */
  readonly jwtSecret?: Uint8Array
  /** More flags of op-geth. */
  readonly args?: readonly string[]
}

/** A real op-geth in a process of its own, without peers, archive, `hash` state scheme; it may be killed and started again. */
export class OpGeth {
  readonly jwtSecret: Uint8Array
  readonly #options: OpGethOptions
  readonly #ports: { readonly http: number; readonly auth: number }
  #process: ChildProcess | undefined

  private constructor(options: OpGethOptions, ports: { http: number; auth: number }) {
    this.#options = options
    this.#ports = ports
    this.jwtSecret = options.jwtSecret ?? new Uint8Array(32).fill(7)
  }

  /** Initialises a database from the genesis and starts on it. Throws with op-geth's words. */
  static async start(options: OpGethOptions): Promise<OpGeth> {
    const { dir, genesis } = options
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, 'genesis.json'), JSON.stringify(genesis))
    const init = ['init', '--datadir', join(dir, 'geth'), '--state.scheme', 'hash', join(dir, 'genesis.json')]
    const done = spawnSync(programPath('geth'), init, { encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`op-geth refuses the genesis: ${done.stderr.slice(-2_000)}`)
    const geth = new OpGeth(options, { http: await freePort(), auth: await freePort() })
    writeFileSync(join(dir, 'jwt.hex'), bytesToHex(geth.jwtSecret))
    await geth.restart()
    return geth
  }

  /** URL of the Engine API. */
  get authUrl(): string {
    return `http://127.0.0.1:${this.#ports.auth}`
  }

  /** `eth_*`, `debug_*`, `net_*`, `txpool_*`, `web3_*`. */
  get eth(): HttpRpcClient {
    return new HttpRpcClient({ url: `http://127.0.0.1:${this.#ports.http}`, timeoutMs: 20_000 })
  }

  /** Starts it again on the same database and ports. */
  async restart(): Promise<void> {
    const { dir, args = [] } = this.#options
    const log = openSync(join(dir, 'op-geth.log'), 'a')
    const child = spawn(programPath('geth'), [...this.#flags(), ...args], { stdio: ['ignore', log, log] })
    closeSync(log)
    this.#process = child
    const end = Date.now() + startMsMax
    for (;;) {
      try {
        await this.eth.request('eth_chainId')
        return
      } catch (error) {
        if (child.exitCode !== null || Date.now() > end) {
          await this.kill()
          const text = readFileSync(join(dir, 'op-geth.log'), 'utf8')
          throw new Error(`op-geth did not start: ${text.slice(-2_000)}`, { cause: error })
        }
        await new Promise((done) => setTimeout(done, 50))
      }
    }
  }

  /**
   * Resolves when final blocks moved to its freezer, at most a minute after they became final. From then on it drops
   * the blocks whose states it lost with a SIGKILL, and goes on by itself.
   */
  async froze(): Promise<void> {
    const end = Date.now() + freezeMsMax
    while (Number(await this.eth.request('debug_dbAncients')) < 2) {
      if (Date.now() > end) throw new Error('op-geth froze nothing')
      await new Promise((done) => setTimeout(done, 500))
    }
  }

  /** SIGKILL: what it had not flushed is lost. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** Lets it flush and close its database. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  #flags(): string[] {
    const { dir } = this.#options
    const { http, auth } = this.#ports
    return [
      ...['--datadir', join(dir, 'geth'), '--state.scheme', 'hash', '--gcmode', 'archive', '--syncmode', 'full'],
      ...['--port', '0', '--nodiscover', '--maxpeers', '0', '--nat', 'none', '--ipcdisable', '--cache', '128'],
      ...['--http', '--http.addr', '127.0.0.1', '--http.port', String(http), '--http.api', 'eth,debug,net,txpool,web3'],
      ...['--authrpc.addr', '127.0.0.1', '--authrpc.port', String(auth), '--authrpc.jwtsecret', join(dir, 'jwt.hex')],
      ...['--rollup.txpool.disable-gossip', '--rollup.superchain-upgrades=false', '--verbosity', '3'],
    ]
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
