import { join, resolve } from 'node:path'
import type { HttpRpcClient } from '../../common/json-rpc.ts'
import { freePort } from '../fakes/anvil.ts'
import type { InteropNet } from './net.ts'
import type { RemoteEngine } from './op-node-process.ts'
import { Program } from './program.ts'
import { rpcClient } from './rollup-status.ts'

const entry = resolve(import.meta.dirname, '../../cli/openledger.mjs')

/** `openledger engine`, for an op-node to drive. */
export class OurEngine implements RemoteEngine {
  readonly authUrl: string
  readonly eth: HttpRpcClient
  readonly #program: Program

  private constructor(net: InteropNet, name: string, ports: { readonly auth: number; readonly eth: number }) {
    this.authUrl = `http://127.0.0.1:${ports.auth}`
    this.eth = rpcClient(ports.eth)
    this.#program = new Program({
      name,
      file: process.execPath,
      args: [
        ...[entry, 'engine', '--datadir', join(net.dir, name), '--log.level', 'debug'],
        ...['--rollup.config', net.file('rollup.json'), '--genesis', net.file('genesis.json')],
        ...['--http.port', String(ports.eth), '--authrpc.port', String(ports.auth)],
        ...['--authrpc.jwtsecret', net.file('jwt.hex')],
      ],
      logFile: net.file(`${name}.log`),
      ready: () => this.eth.request('eth_chainId'),
    })
  }

  static async start(net: InteropNet, name: string): Promise<OurEngine> {
    const engine = new OurEngine(net, name, { auth: await freePort(), eth: await freePort() })
    await engine.restart()
    return engine
  }

  /** Starts it again on the same database and ports. */
  restart(): Promise<void> {
    return this.#program.start()
  }

  kill(): Promise<void> {
    return this.#program.kill()
  }
}
