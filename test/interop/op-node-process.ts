import { devPrivateKeys } from '../../common/dev-keys.ts'
import type { HttpRpcClient } from '../../common/json-rpc.ts'
import { devRoles } from '../../genesis/presets.ts'
import { freePort } from '../fakes/anvil.ts'
import { type GoProgram, programPath } from './go-programs.ts'
import type { InteropNet } from './net.ts'
import { Program } from './program.ts'
import { type Peer, rpcClient } from './rollup-status.ts'

/** An engine over HTTP, op-geth or ours. */
export type RemoteEngine = { readonly authUrl: string; readonly eth: HttpRpcClient }

/** A real op-node in a process of its own. */
export class OpNode implements Peer {
  readonly name: string
  readonly rollup: HttpRpcClient
  readonly eth: HttpRpcClient
  readonly #program: Program
  readonly #base: readonly string[]

  private constructor(
    net: InteropNet,
    options: { readonly name: string; readonly program: GoProgram; readonly engine: RemoteEngine },
    port: number,
  ) {
    const { name, program, engine } = options
    this.name = name
    this.rollup = rpcClient(port)
    this.eth = engine.eth
    const dir = net.folder(name)
    this.#base = [
      ...['--l1', net.anvil.url, '--l1.beacon', net.beacon.url, '--l1.rpckind', 'standard'],
      // anvil's transactions root commits to blob transactions with their sidecars: op-node would refuse the block.
      '--l1.trustrpc',
      ...['--l1.http-poll-interval', '300ms', '--l1.epoch-poll-interval', '1s'],
      ...['--l2', engine.authUrl, '--l2.jwt-secret', net.file('jwt.hex')],
      ...['--rollup.config', net.file('rollup.json'), '--rollup.l1-chain-config', net.file('l1.json')],
      ...['--rpc.addr', '127.0.0.1', '--rpc.port', String(port), '--rpc.enable-admin'],
      ...['--log.level', 'debug', '--safedb.path', `${dir}/safedb`],
    ]
    this.#program = new Program({
      name,
      file: programPath(program),
      args: [],
      env: { OP_NODE_P2P_SEQUENCER_KEY: devPrivateKeys[devRoles.unsafeBlockSigner].slice(2) },
      logFile: net.file(`${name}.log`),
      ready: () => this.rollup.request('optimism_rollupConfig'),
    })
  }

  static async make(
    net: InteropNet,
    options: { readonly name: string; readonly program: GoProgram; readonly engine: RemoteEngine },
  ): Promise<OpNode> {
    return new OpNode(net, options, await freePort())
  }

  /** Without p2p flags it has no p2p. */
  start(...args: readonly string[]): Promise<void> {
    const p2p = args.some((arg) => arg.startsWith('--p2p.')) ? [] : ['--p2p.disable']
    return this.#program.start([...this.#base, ...p2p, ...args])
  }

  kill(): Promise<void> {
    return this.#program.kill()
  }

  stop(): Promise<void> {
    return this.#program.stop()
  }
}
