import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import type { HttpRpcClient } from '../../common/json-rpc.ts'
import { devRoles } from '../../genesis/presets.ts'
import { freePort } from '../fakes/anvil.ts'
import type { InteropNet } from './net.ts'
import type { RemoteEngine } from './op-node-process.ts'
import { Program } from './program.ts'
import { type Peer, rpcClient } from './rollup-status.ts'

const entry = resolve(import.meta.dirname, '../../cli/openledger.mjs')
const role = (name: keyof typeof devRoles) => devPrivateKeys[devRoles[name]]

/** `openledger node` as an operator starts it. */
export class OurNode implements Peer {
  readonly name: string
  readonly rollup: HttpRpcClient
  readonly eth: HttpRpcClient
  readonly #program: Program
  readonly #base: readonly string[]

  private constructor(
    net: InteropNet,
    name: string,
    ports: { readonly rollup: number; readonly eth: number },
    engine: RemoteEngine | undefined,
  ) {
    this.name = name
    this.rollup = rpcClient(ports.rollup)
    this.eth = engine?.eth ?? rpcClient(ports.eth)
    this.#base = [
      ...[entry, 'node', '--datadir', join(net.dir, name)],
      ...['--rollup.config', net.file('rollup.json'), '--genesis', net.file('genesis.json')],
      ...['--l1', net.anvil.url, '--l1.beacon', net.beacon.url, '--l1.http-poll-interval', '300ms'],
      ...['--http.port', String(ports.eth), '--rpc.port', String(ports.rollup), '--rpc.enable-admin'],
      ...['--engine.archive', '--log.level', 'debug'],
      ...(engine === undefined ? [] : ['--l2', engine.authUrl, '--l2.jwt-secret', net.file('jwt.hex')]),
    ]
    this.#program = new Program({
      name,
      file: process.execPath,
      args: [],
      env: {
        OPENLEDGER_BATCHER_PRIVATE_KEY: role('batcher'),
        OPENLEDGER_P2P_SEQUENCER_KEY: role('unsafeBlockSigner'),
      },
      logFile: net.file(`${name}.log`),
      ready: () => this.rollup.request('optimism_syncStatus'),
    })
  }

  /** On an engine over HTTP where one is given, else on its own. */
  static async make(net: InteropNet, name: string, engine?: RemoteEngine): Promise<OurNode> {
    return new OurNode(net, name, { rollup: await freePort(), eth: await freePort() }, engine)
  }

  /** Without p2p flags it has no p2p. */
  start(...args: readonly string[]): Promise<void> {
    const p2p = args.some((arg) => arg.startsWith('--p2p.')) ? [] : ['--p2p.disable']
    return this.#program.start([...this.#base, ...p2p, ...args])
  }

  /** All that it logged. */
  log(): string {
    return readFileSync(this.#program.options.logFile, 'utf8')
  }

  kill(): Promise<void> {
    return this.#program.kill()
  }

  stop(): Promise<void> {
    return this.#program.stop()
  }
}

/** Posts a channel for every few L1 blocks. */
export const batching = [
  ...['--batcher.enabled', '--batcher.poll-interval', '300ms', '--batcher.max-channel-duration', '2'],
  ...['--batcher.num-confirmations', '1', '--batcher.resubmission-timeout', '4s'],
]

/** Sequences and posts. */
export const sequencing = ['--sequencer.enabled', '--sequencer.l1-confs', '1', ...batching]
