import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../common/clock.ts'
import { ContentStore } from '../../common/content-store.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { UsageError } from '../../common/errors.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import type { Log } from '../../common/log.ts'
import { devPreset, devRoles } from '../../genesis/presets.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { untilAborted } from '../until-aborted.ts'
import { anvilArguments, anvilBinary } from './anvil.ts'
import { ensureChain } from './chain.ts'
import { Child } from './child.ts'
import { type DevLayout, type DevPorts, devLayout, devPorts } from './layout.ts'
import { endLeftovers, recordProcesses } from './leftovers.ts'
import { lockDirectory } from './lock.ts'
import { checkOnce } from './once.ts'
import { StatusScreen } from './screen.ts'
import { seedChain } from './seed.ts'
import { seedDatanets } from './seed-sources.ts'
import { type DevState, writeDevState } from './state.ts'
import { readStatus, statusLine } from './status.ts'

export type DevOptions = {
  readonly dataDir: string
  readonly portBase: number
  readonly once: boolean
  /** An L1 that runs elsewhere; absent: anvil is started. */
  readonly l1?: { readonly url: string; readonly beaconUrl: string } | undefined
  readonly l1BlockTimeSeconds: number
}

export type DevParts = { readonly log: Log; readonly signal: AbortSignal; readonly print: (line: string) => void }

const l1ChainId = Number(devPreset().l1ChainId)
const statusMs = 1000
const rpcTimeoutMs = 10_000
/** Time a part of the chain has to answer its first call. */
const readyMsMax = 60_000

type DevClients = Readonly<Record<'sequencerEth' | 'sequencerRollup' | 'verifierEth' | 'verifierRollup', HttpRpcClient>>

const batcherKey = devPrivateKeys[devRoles.batcher]
const proposerKey = devPrivateKeys[devRoles.proposer]
const attributorKey = devPrivateKeys[devRoles.attributor]
const watcherKey = devPrivateKeys[devRoles.challenger]
/** The verifier's watcher signs for itself: two programs with one key would take each other's nonces. */
const verifierWatcherKey = devPrivateKeys[devRoles.unsafeBlockSigner]
const bridgeUserKey = devPrivateKeys[6]

/** Starts the whole chain and runs until the signal, or, with `once`, until its checks are done. */
export async function runDev(options: DevOptions, parts: DevParts): Promise<void> {
  const layout = devLayout(options.dataDir)
  mkdirSync(layout.logs, { recursive: true })
  const lock = await lockDirectory(layout.lock)
  const leftovers = await endLeftovers(layout.processes)
  if (leftovers > 0) parts.log.warn('ended processes that an earlier run left behind', { count: leftovers })
  const chain = new DevChain(options, layout, parts)
  try {
    await chain.run()
  } finally {
    await chain.stop()
    await lock.release()
  }
}

class DevChain {
  readonly #options: DevOptions
  readonly #layout: DevLayout
  readonly #ports: DevPorts
  readonly #parts: DevParts
  /** In the order of starting. */
  readonly #children: Child[] = []
  #fail: (error: unknown) => void = () => {}
  readonly #failed: Promise<never>

  constructor(options: DevOptions, layout: DevLayout, parts: DevParts) {
    this.#options = options
    this.#layout = layout
    this.#ports = devPorts(options.portBase)
    this.#parts = parts
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.#failed.catch(() => {})
  }

  async run(): Promise<void> {
    const { signal } = this.#parts
    await Promise.race([this.#run(), untilAborted(signal), this.#failed])
  }

  /** Nodes first, the L1 last: a node that stops still talks to it. */
  async stop(): Promise<void> {
    const [l1, others] = [
      this.#children.filter((child) => child.name === 'l1'),
      this.#children.filter((child) => child.name !== 'l1'),
    ]
    await Promise.all(others.map((child) => child.stop()))
    await Promise.all(l1.map((child) => child.stop()))
    recordProcesses(this.#layout.processes, [])
  }

  async #run(): Promise<void> {
    const { log, signal, print } = this.#parts
    const l1 = await this.#startL1()
    log.info('L1 is up', { url: l1.url })
    let state = await ensureChain({ layout: this.#layout, l1Url: l1.url, l1ChainId: l1.chainId }, { log })
    const clients = this.#startNodes(state, l1)
    await this.#ready(clients.sequencerEth, 'eth_chainId', 'the sequencer')
    await this.#ready(clients.verifierEth, 'eth_chainId', 'the verifier')
    this.#startIndexer()
    const urls = this.#urls(l1)
    for (const [name, url] of Object.entries(urls)) print(`${name.padEnd(18)} ${url}`)
    const datanets = seedDatanets()
    if (state.seededAt === undefined) {
      log.info('seeding Datanets', {
        datanets: datanets.length,
        items: datanets.reduce((sum, one) => sum + one.texts.length, 0),
      })
      const content = new ContentStore(this.#layout.content, merkleRoot)
      const seeded = await seedChain(datanets, BigInt(state.l2ChainId), {
        rpc: clients.sequencerEth,
        content,
        clock: systemClock,
        log,
        signal,
      })
      state = { ...state, seededAt: Number(seeded.lastBlock), seededItems: seeded.items }
      writeDevState(this.#layout.stateFile, state)
      log.info('seeded', { ...seeded })
    }
    if (this.#options.once) return this.#checkOnce(state, clients, l1.url, datanets.length)
    await this.#showStatus(clients, urls)
  }

  async #startL1(): Promise<{ readonly url: string; readonly beaconUrl: string; readonly chainId: number }> {
    const { l1, l1BlockTimeSeconds } = this.#options
    if (l1 !== undefined) {
      const id = await this.#ready(new HttpRpcClient({ url: l1.url, timeoutMs: rpcTimeoutMs }), 'eth_chainId', 'the L1')
      return { ...l1, chainId: Number(id) }
    }
    const file = anvilBinary()
    if (file === undefined) {
      throw new UsageError(
        'the npm package of anvil has no binary for this machine; give an L1 with --l1 URL --l1.beacon URL',
      )
    }
    const url = `http://127.0.0.1:${this.#ports.l1}`
    const args = anvilArguments({
      port: this.#ports.l1,
      chainId: l1ChainId,
      blockTimeSeconds: l1BlockTimeSeconds,
      stateFile: this.#layout.l1State,
    })
    this.#start('l1', file, args, {})
    await this.#ready(new HttpRpcClient({ url, timeoutMs: rpcTimeoutMs }), 'eth_chainId', 'the L1')
    return { url, beaconUrl: url, chainId: l1ChainId }
  }

  #startNodes(state: DevState, l1: { readonly url: string; readonly beaconUrl: string }): DevClients {
    const { sequencer, verifier, genesis, rollup, content } = this.#layout
    const { sequencerEth, sequencerRollup, verifierEth, verifierRollup } = this.#ports
    const shared = [
      ...['--l1', l1.url, '--l1.beacon', l1.beaconUrl],
      ...['--l1.http-poll-interval', '500ms'],
      ...['--l1.beacon.slot-duration', String(this.#options.l1BlockTimeSeconds)],
      ...['--rollup.config', rollup, '--genesis', genesis],
      // The second node is there to show that L1 alone gives the same chain; gossip would take that from it.
      '--p2p.disable',
    ]
    const node = (
      name: string,
      dataDir: string,
      eth: number,
      rpc: number,
      extra: readonly string[],
      env: Record<string, string>,
    ) =>
      this.#startSelf(
        name,
        ['node', '--datadir', dataDir, '--http.port', String(eth), '--rpc.port', String(rpc), ...shared, ...extra],
        env,
      )
    const roles = [
      ...['--roles', 'sequencer,batcher,proposer,attributor,watcher'],
      ...['--sequencer.l1-confs', '1', '--rpc.enable-admin'],
      ...['--batcher.poll-interval', '500ms', '--batcher.max-channel-duration', '1'],
      ...['--batcher.num-confirmations', '1', '--batcher.resubmission-timeout', '5s'],
      ...['--proposer.l2oo-address', state.outputOracle, '--proposer.allow-non-finalized'],
      ...['--proposer.poll-interval', '2s', '--proposer.num-confirmations', '1'],
      ...['--content.dir', content, '--attributor.epoch-interval', '60s'],
    ]
    const at = (port: number) => `http://127.0.0.1:${port}`
    const watching = [
      ...['--roles', 'watcher', '--content.peers', at(sequencerRollup)],
      ...['--rollup.sequencerhttp', at(sequencerEth)],
    ]
    node('sequencer', sequencer, sequencerEth, sequencerRollup, roles, {
      OPENLEDGER_BATCHER_PRIVATE_KEY: batcherKey,
      OPENLEDGER_PROPOSER_PRIVATE_KEY: proposerKey,
      OPENLEDGER_ATTRIBUTOR_PRIVATE_KEY: attributorKey,
      OPENLEDGER_WATCHER_PRIVATE_KEY: watcherKey,
    })
    node('verifier', verifier, verifierEth, verifierRollup, watching, {
      OPENLEDGER_WATCHER_PRIVATE_KEY: verifierWatcherKey,
    })
    const client = (port: number) => new HttpRpcClient({ url: at(port), timeoutMs: rpcTimeoutMs })
    return {
      sequencerEth: client(sequencerEth),
      sequencerRollup: client(sequencerRollup),
      verifierEth: client(verifierEth),
      verifierRollup: client(verifierRollup),
    }
  }

  #startIndexer(): void {
    const { indexer, content } = this.#layout
    const l2 = `127.0.0.1:${this.#ports.sequencerEth}`
    this.#startSelf('indexer', [
      ...['indexer', '--datadir', indexer, '--l2', `http://${l2}`, '--l2.ws', `ws://${l2}`],
      ...['--content.dir', content, '--http.port', String(this.#ports.indexer)],
    ])
  }

  /** Another process of this very program. */
  #startSelf(name: string, args: readonly string[], env: Record<string, string> = {}): void {
    const entry = fileURLToPath(new URL('../openledger.mjs', import.meta.url))
    this.#start(name, process.execPath, [entry, ...args, '--log.format', 'json'], env)
  }

  #start(name: string, file: string, args: readonly string[], env: Record<string, string>): void {
    const child = new Child(
      {
        name,
        file,
        args,
        env,
        logFile: join(this.#layout.logs, `${name}.log`),
        onStart: () => this.#recordProcesses(),
      },
      { log: this.#parts.log, clock: systemClock },
    )
    child.finished.catch((error: unknown) => this.#fail(error))
    this.#children.push(child)
    this.#recordProcesses()
  }

  #recordProcesses(): void {
    recordProcesses(this.#layout.processes, this.#children)
  }

  async #ready(client: HttpRpcClient, method: string, who: string): Promise<unknown> {
    const { signal } = this.#parts
    const deadline = systemClock.nowMs() + readyMsMax
    for (;;) {
      try {
        return await client.request(method)
      } catch (cause) {
        if (signal.aborted || systemClock.nowMs() > deadline)
          throw new UsageError(`${who} does not answer at ${client.url}`, { cause })
        await systemClock.sleep(100, signal)
      }
    }
  }

  #urls(l1: { readonly url: string }): Readonly<Record<string, string>> {
    const at = (port: number, path = '') => `http://127.0.0.1:${port}${path}`
    return {
      'L1 RPC': l1.url,
      'L2 RPC (http, ws)': at(this.#ports.sequencerEth),
      'rollup RPC': at(this.#ports.sequencerRollup),
      'verifier L2 RPC': at(this.#ports.verifierEth),
      'verifier rollup': at(this.#ports.verifierRollup),
      GraphQL: at(this.#ports.indexer, '/graphql'),
    }
  }

  async #checkOnce(state: DevState, clients: DevClients, l1Url: string, datanets: number): Promise<void> {
    const { signal, log, print } = this.#parts
    await checkOnce(
      {
        bridge: {
          l1Url,
          l2Url: clients.sequencerEth.url,
          l1ChainId: state.l1ChainId,
          l2ChainId: state.l2ChainId,
          portal: state.portal,
          outputOracle: state.outputOracle,
          multicall3: state.multicall3,
          privateKey: bridgeUserKey,
        },
        graphqlUrl: `http://127.0.0.1:${this.#ports.indexer}/graphql`,
        seededAt: state.seededAt ?? 0,
        seededItems: state.seededItems ?? 0,
        datanets,
      },
      { ...clients, clock: systemClock, signal, log, print },
    )
  }

  async #showStatus(clients: DevClients, urls: Readonly<Record<string, string>>): Promise<void> {
    const { signal, print } = this.#parts
    const screen = new StatusScreen(print)
    while (!signal.aborted) {
      screen.show(statusLine(await readStatus({ ...clients, graphqlUrl: urls['GraphQL'] ?? '' })))
      await systemClock.sleep(statusMs, signal)
    }
    screen.end()
  }
}
