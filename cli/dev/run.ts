import { setMaxListeners } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../common/clock.ts'
import { ContentStore } from '../../common/content-store.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { devPreset } from '../../genesis/presets.ts'
import { readBaseModelRecord } from '../../inference/models/base-model.ts'
import { makePool } from '../../node/checker/make-pool.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { untilAborted } from '../until-aborted.ts'
import { freshAccounts, knownAccounts } from './accounts.ts'
import { curlOf } from './ask.ts'
import { keepAsking } from './ask-on.ts'
import { ensureChain } from './chain.ts'
import { type DevClients, devClients, ready } from './clients.ts'
import { type Community, liveCommunity } from './community/life.ts'
import { communityTables } from './community/tables.ts'
import { devHosts } from './hosts.ts'
import {
  type DevL1,
  type DevNetwork,
  type LaunchParts,
  modelsDir,
  startAnswering,
  startIndexer,
  startL1,
  startNodes,
} from './launch.ts'
import { type DevLayout, type DevPorts, devLayout, devPorts, localUrl } from './layout.ts'
import { endLeftovers } from './leftovers.ts'
import { lockDirectory } from './lock.ts'
import { fillUp, openMarket } from './market.ts'
import { checkOnce } from './once.ts'
import { Processes } from './processes.ts'
import type { RoundParts } from './round.ts'
import { StatusScreen } from './screen.ts'
import { seedChain } from './seed.ts'
import { type SeedDatanet, seedDatanets } from './seed-sources.ts'
import { type DevState, writeDevState } from './state.ts'
import { readStatus, statusLine } from './status.ts'

export type DevOptions = {
  readonly dataDir: string
  readonly portBase: number
  readonly once: boolean
  /** The chain and its Datanets alone: no model, worker or questions. */
  readonly bare: boolean
  /** A new chain's votes take seconds, not weeks. */
  readonly quickGovernance: boolean
  /** An L1 that runs elsewhere; absent: anvil is started. */
  readonly l1?: { readonly url: string; readonly beaconUrl: string } | undefined
  readonly l1BlockTimeSeconds: number
}

export type DevParts = { readonly log: Log; readonly signal: AbortSignal; readonly print: (line: string) => void }

const l2ChainId = devPreset().l2ChainId
const statusMs = 1000
const [marketTriesMax, marketPauseMs] = [10, 3_000]

/** Starts the whole chain and runs until the signal, or, with `once`, until its checks are done. */
export async function runDev(options: DevOptions, parts: DevParts): Promise<void> {
  const layout = devLayout(options.dataDir)
  mkdirSync(layout.logs, { recursive: true })
  const lock = await lockDirectory(layout.lock)
  const leftovers = await endLeftovers(layout.processes)
  if (leftovers > 0) parts.log.warn('ended processes that an earlier run left behind', { count: leftovers })
  const processes = new Processes(layout, parts.log)
  // Whatever ends it, nothing of it goes on: a status line of processes that are gone, say.
  const ending = new AbortController()
  const signal = AbortSignal.any([parts.signal, ending.signal])
  // All that waits for the end listens to it.
  setMaxListeners(0, signal)
  try {
    const running = new DevChain(options, {
      ...{ ...parts, signal, layout, processes, ports: devPorts(options.portBase) },
    }).run()
    await Promise.race([running, untilAborted(signal), processes.failed])
  } finally {
    ending.abort(new Error('the dev chain ends'))
    await processes.stop()
    await lock.release()
  }
}

class DevChain {
  readonly #options: DevOptions
  readonly #layout: DevLayout
  readonly #ports: DevPorts
  readonly #parts: DevParts & LaunchParts
  readonly #clients: DevClients
  readonly #screen: StatusScreen

  constructor(options: DevOptions, parts: DevParts & LaunchParts) {
    this.#options = options
    this.#layout = parts.layout
    this.#ports = parts.ports
    this.#parts = parts
    this.#clients = devClients(parts.ports)
    this.#screen = new StatusScreen(parts.print)
  }

  async run(): Promise<void> {
    const { log, signal, print } = this.#parts
    const { once, bare, l1BlockTimeSeconds, quickGovernance } = this.#options
    const l1 = await startL1(this.#parts, { l1: this.#options.l1, blockTimeSeconds: l1BlockTimeSeconds })
    log.info('L1 is up', { url: l1.url })
    const chain = { layout: this.#layout, l1Url: l1.url, l1ChainId: l1.chainId, quickGovernance }
    const made = await ensureChain(chain, { log })
    const network = bare ? undefined : await this.#network()
    startNodes(this.#parts, made, { ...l1, blockTimeSeconds: l1BlockTimeSeconds }, network)
    await ready(this.#clients.sequencerEth, 'eth_chainId', 'the sequencer', signal)
    await ready(this.#clients.verifierEth, 'eth_chainId', 'the verifier', signal)
    startIndexer(this.#parts)
    for (const [name, url] of this.#urls(l1)) print(`${name.padEnd(18)} ${url}`)
    const datanets = seedDatanets()
    const state = await this.#seed(made, datanets)
    if (network !== undefined) await this.#openMarket(datanets, network)
    if (once) return this.#checkOnce(state, l1.url, datanets.length)
    const more = network === undefined ? [] : [this.#keepAsking(network), this.#showCommunity(state)]
    await Promise.all([this.#showStatus(), ...more])
  }

  /** Accounts and hosts of worker, payer and checkers; the verifier's pool is made of weights that it never sees. */
  async #network(): Promise<DevNetwork> {
    const pools = join(this.#layout.verifier, 'checker', 'pools')
    mkdirSync(pools, { recursive: true, mode: 0o700 })
    await makePool({ root: readBaseModelRecord().root, folders: [modelsDir], pools })
    return { accounts: freshAccounts(this.#layout.keys), hosts: await devHosts(this.#layout, this.#ports) }
  }

  async #seed(state: DevState, datanets: readonly SeedDatanet[]): Promise<DevState> {
    if (state.seededAt !== undefined) return state
    const { log, signal } = this.#parts
    const items = datanets.reduce((sum, one) => sum + one.texts.length, 0)
    log.info('seeding Datanets', { datanets: datanets.length, items })
    const options = { chainId: l2ChainId, rpcUrl: this.#clients.sequencerEth.url, contentDir: this.#layout.content }
    const seeded = await seedChain(datanets, options, { ...this.#chainParts(), signal })
    const done = { ...state, seededAt: Number(seeded.lastBlock), seededItems: seeded.items }
    writeDevState(this.#layout.stateFile, done)
    log.info('seeded', { ...seeded })
    return done
  }

  /** Registers model and worker where they are not there yet, and starts who answers and who pays. */
  async #openMarket(datanets: readonly SeedDatanet[], network: DevNetwork): Promise<void> {
    const { log, signal, print } = this.#parts
    const { accounts, hosts } = network
    const market = { chainId: l2ChainId, datanets, layout: this.#layout, accounts, hosts }
    for (let tries = 1; ; tries++) {
      try {
        await openMarket(market, { ...this.#chainParts(), signal })
        break
      } catch (error) {
        // The sequencer may have been started anew meanwhile; what was done stays done.
        if (signal.aborted || tries === marketTriesMax) throw error
        log.warn('the market is not open yet, trying again', { error: errorMessage(error) })
        await systemClock.sleep(marketPauseMs, signal)
      }
    }
    startAnswering(this.#parts, network)
    print(`${'OpenAI endpoint'.padEnd(18)} ${localUrl(this.#ports.proxy, '/v1')}`)
    print(`${''.padEnd(18)} ${curlOf(localUrl(this.#ports.proxy))}`)
  }

  async #keepAsking({ accounts }: DevNetwork): Promise<void> {
    const { signal } = this.#parts
    const refill = () => fillUp({ chainId: l2ChainId, accounts }, { ...this.#chainParts(), signal })
    await keepAsking(this.#round(), { screen: this.#screen, fillUp: refill })
  }

  /** Once in a chain's life; what fails of it stops nothing else. */
  async #showCommunity(state: DevState): Promise<void> {
    if (state.community !== undefined) return
    try {
      const lived = await this.#community()
      writeDevState(this.#layout.stateFile, { ...state, community: lived.datanet })
      for (const lines of communityTables(lived)) for (const line of ['', ...lines]) this.#screen.write(line)
    } catch (error) {
      if (!this.#parts.signal.aborted)
        this.#parts.log.warn('the community did not come to its end', { error: errorMessage(error) })
    }
  }

  #community(): Promise<Community> {
    const { content: contentDir, community: folder } = this.#layout
    const { sequencerEth } = this.#clients
    const sponsorKey = knownAccounts.trainer.privateKey
    const options = { chainId: l2ChainId, rpcUrl: sequencerEth.url, sponsorKey, contentDir, folder }
    return liveCommunity(options, { ...this.#chainParts(), signal: this.#parts.signal })
  }

  #chainParts() {
    const content = new ContentStore(this.#layout.content, merkleRoot)
    return { rpc: this.#clients.sequencerEth, content, clock: systemClock, log: this.#parts.log }
  }

  #round(): RoundParts {
    const { sequencerRollup, verifierRollup, graphqlUrl } = this.#clients
    const nodes = [
      { name: 'sequencer', rollup: sequencerRollup },
      { name: 'verifier', rollup: verifierRollup },
    ]
    const { log, signal } = this.#parts
    return { endpoint: localUrl(this.#ports.proxy), nodes, graphqlUrl, clock: systemClock, signal, log }
  }

  #urls(l1: DevL1): readonly (readonly [string, string])[] {
    return [
      ['L1 RPC', l1.url],
      ['L2 RPC (http, ws)', localUrl(this.#ports.sequencerEth)],
      ['rollup RPC', localUrl(this.#ports.sequencerRollup)],
      ['verifier L2 RPC', localUrl(this.#ports.verifierEth)],
      ['verifier rollup', localUrl(this.#ports.verifierRollup)],
      ['GraphQL', this.#clients.graphqlUrl],
    ]
  }

  async #checkOnce(state: DevState, l1Url: string, datanets: number): Promise<void> {
    const { signal, log, print } = this.#parts
    await checkOnce(
      {
        bridge: {
          l1Url,
          l2Url: this.#clients.sequencerEth.url,
          l1ChainId: state.l1ChainId,
          l2ChainId: state.l2ChainId,
          portal: state.portal,
          outputOracle: state.outputOracle,
          multicall3: state.multicall3,
          privateKey: knownAccounts.bridgeUser.privateKey,
        },
        round: this.#options.bare ? undefined : this.#round(),
        community: this.#options.bare ? undefined : () => this.#community(),
        seededAt: state.seededAt ?? 0,
        seededItems: state.seededItems ?? 0,
        datanets,
      },
      { ...this.#clients, clock: systemClock, signal, log, print },
    )
  }

  async #showStatus(): Promise<void> {
    const { signal } = this.#parts
    while (!signal.aborted) {
      this.#screen.show(statusLine(await readStatus(this.#clients)))
      await systemClock.sleep(statusMs, signal)
    }
    this.#screen.end()
  }
}
