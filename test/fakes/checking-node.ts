import { join } from 'node:path'
import { Registry } from 'prom-client'
import { noBlobs } from '../../chain/tx/kzg.ts'
import type { Clock } from '../../common/clock.ts'
import { Closers } from '../../common/closers.ts'
import { RpcServer } from '../../common/json-rpc-server.ts'
import type { Log } from '../../common/log.ts'
import { makeMoney } from '../../node/money-part.ts'
import type { NodeOptions } from '../../node/node-options.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { LedgerChain } from './ledger-chain.ts'

/** An answer as `openledger_checkedAnswers` tells it. */
export type ToldAnswer = {
  readonly requestId: Hex
  readonly worker: Hex
  readonly batch: Hex
  readonly class: number
  readonly result: string
  readonly place?: object
}

export type ToldStatus = {
  readonly addresses: readonly string[]
  readonly modelFiles: number
  readonly models: readonly { readonly root: Hex; readonly pairsLeft: number }[]
}

type Options = {
  readonly dir: string
  readonly key: Hex
  /** Folders of models. */
  readonly models: readonly string[]
  /** Other checkers. */
  readonly accounts: readonly Hex[]
  /** Nodes that are asked for files. */
  readonly peers?: readonly string[]
  readonly staticPeers?: readonly string[]
  /** What else it does. */
  readonly roles?: Pick<NodeOptions, 'attributor' | 'watcher'>
  readonly clock: Clock
  readonly log: Log
}

/** What a node with the role checker runs of it, with its RPC, beside a chain in this process. */
export class CheckingNode {
  readonly url: string
  readonly #stopping = new AbortController()
  readonly #running: Promise<void> | undefined
  readonly #close: () => Promise<void>

  private constructor(
    url: string,
    run: ((signal: AbortSignal) => Promise<void>) | undefined,
    close: () => Promise<void>,
  ) {
    this.url = url
    this.#running = run?.(this.#stopping.signal)
    this.#close = close
  }

  static async open(chain: LedgerChain, options: Options): Promise<CheckingNode> {
    const { dir, key, models, accounts, peers = [], staticPeers = [], roles = {}, clock, log } = options
    const closers = new Closers(log)
    const { chainId } = chain.chain.genesis
    const node = {
      dataDir: dir,
      content: { peers },
      ...roles,
      rollupConfig: { l2ChainId: chainId, genesis: { l2: { hash: chain.firstHash } } },
      checker: { key, models, listenIp: '127.0.0.1', listenPort: 0, staticPeers, accounts },
    } as unknown as NodeOptions
    const parts = { rpc: chain.rpc, kzg: noBlobs, clock, log, registry: new Registry() }
    const money = await makeMoney(node, parts, closers)
    const server = new RpcServer(
      { host: '127.0.0.1', port: 0 },
      { methods: money.methods, log, route: money.routes.route, upload: money.routes.upload },
    )
    const port = await server.start()
    closers.add('rpc', () => server.stop())
    return new CheckingNode(`http://127.0.0.1:${port}`, money.run, () => closers.close())
  }

  async ask<T>(method: string, params: readonly unknown[] = []): Promise<T> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const response = await fetch(this.url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    const { result, error } = (await response.json()) as { readonly result: T; readonly error?: unknown }
    if (error !== undefined) throw new Error(JSON.stringify(error))
    return result
  }

  status(): Promise<ToldStatus> {
    return this.ask('openledger_checkerStatus')
  }

  checked(requestId?: Hex): Promise<readonly ToldAnswer[]> {
    return this.ask('openledger_checkedAnswers', requestId === undefined ? [] : [requestId])
  }

  async close(): Promise<void> {
    this.#stopping.abort(new Error('the test is over'))
    await this.#running?.catch(() => undefined)
    await this.#close()
  }
}

/** A checker's folder of pools. */
export const poolsOf = (dir: string): string => join(dir, 'checker/pools')
