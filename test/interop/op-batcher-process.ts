import { devPrivateKeys } from '../../common/dev-keys.ts'
import { devRoles } from '../../genesis/presets.ts'
import { freePort } from '../fakes/anvil.ts'
import { programPath } from './go-programs.ts'
import type { InteropNet } from './net.ts'
import { Program } from './program.ts'
import { type Peer, rpcClient } from './rollup-status.ts'

/** A real op-batcher that posts what `sequencer` has, a channel for every few L1 blocks. */
export class OpBatcher {
  readonly #program: Program
  readonly #base: readonly string[]

  private constructor(net: InteropNet, sequencer: Peer, port: number) {
    this.#base = [
      ...['--l1-eth-rpc', net.anvil.url, '--l2-eth-rpc', sequencer.eth.url, '--rollup-rpc', sequencer.rollup.url],
      ...['--rpc.addr', '127.0.0.1', '--rpc.port', String(port), '--poll-interval', '300ms'],
      ...['--max-channel-duration', '2', '--num-confirmations', '1', '--resubmission-timeout', '4s'],
      // No limits on the engine's blocks: it would have to serve `miner_`.
      ...['--txmgr.receipt-query-interval', '300ms', '--throttle.unsafe-da-bytes-lower-threshold', '0'],
    ]
    this.#program = new Program({
      name: 'op-batcher',
      file: programPath('op-batcher'),
      args: [],
      env: { OP_BATCHER_PRIVATE_KEY: devPrivateKeys[devRoles.batcher] },
      logFile: net.file('op-batcher.log'),
      ready: () => rpcClient(port).request('health_status'),
    })
  }

  static async make(net: InteropNet, sequencer: Peer): Promise<OpBatcher> {
    return new OpBatcher(net, sequencer, await freePort())
  }

  start(...args: readonly string[]): Promise<void> {
    return this.#program.start([...this.#base, ...args])
  }

  kill(): Promise<void> {
    return this.#program.kill()
  }
}
