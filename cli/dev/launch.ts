import { dirname } from 'node:path'
import { UsageError } from '../../common/errors.ts'
import { devPreset } from '../../genesis/presets.ts'
import { baseModelFile } from '../../inference/models/base-model.ts'
import { type FreshAccounts, knownAccounts } from './accounts.ts'
import { anvilArguments, anvilBinary } from './anvil.ts'
import { devClient, ready } from './clients.ts'
import type { DevHosts } from './hosts.ts'
import { type DevLayout, type DevPorts, localUrl } from './layout.ts'
import { l1Name, type Processes } from './processes.ts'
import type { DevState } from './state.ts'

/** What processes are started with. */
export type LaunchParts = {
  readonly processes: Processes
  readonly layout: DevLayout
  readonly ports: DevPorts
  readonly signal: AbortSignal
}

export type DevL1 = { readonly url: string; readonly beaconUrl: string; readonly chainId: number }

/** What the network of workers needs; absent on a chain without. */
export type DevNetwork = { readonly accounts: FreshAccounts; readonly hosts: DevHosts }

const l1ChainId = Number(devPreset().l1ChainId)
export const modelsDir = dirname(baseModelFile)
/** wei of unclaimed credit from which a payee is paid out unasked: answers of a small model cost little. */
export const claimThreshold = 10n ** 14n
/** wei of gas fees from which they are divided: what the fee vaults of a dev chain ask for themselves. */
const disburseMinimum = devPreset().feeVaultMinimumWithdrawal
/** OPEN that the questions asked here may cost a day, and what the payer puts into a worker's channel at a time. */
const [dailyCap, deposit] = ['500', '5'] as const

/** The L1 that is given, or anvil. Throws {@link UsageError} where there is none. */
export async function startL1(
  { processes, layout, ports, signal }: LaunchParts,
  options: {
    readonly l1: { readonly url: string; readonly beaconUrl: string } | undefined
    readonly blockTimeSeconds: number
  },
): Promise<DevL1> {
  const { l1, blockTimeSeconds } = options
  if (l1 !== undefined) {
    const id = await ready(devClient(l1.url), 'eth_chainId', 'the L1', signal)
    return { ...l1, chainId: Number(id) }
  }
  const file = anvilBinary()
  if (file === undefined) {
    throw new UsageError(
      'the npm package of anvil has no binary for this machine; give an L1 with --l1 URL --l1.beacon URL',
    )
  }
  const url = localUrl(ports.l1)
  const args = anvilArguments({ port: ports.l1, chainId: l1ChainId, blockTimeSeconds, stateFile: layout.l1State })
  processes.start(l1Name, file, args)
  await ready(devClient(url), 'eth_chainId', 'the L1', signal)
  return { url, beaconUrl: url, chainId: l1ChainId }
}

/** The sequencer with all roles, and a node that sees only L1 and keeps no weights. */
export function startNodes(
  { processes, layout, ports }: LaunchParts,
  state: DevState,
  l1: DevL1 & { readonly blockTimeSeconds: number },
  network: DevNetwork | undefined,
): void {
  const shared = [
    ...['--l1', l1.url, '--l1.beacon', l1.beaconUrl],
    ...['--l1.http-poll-interval', '500ms'],
    ...['--l1.beacon.slot-duration', String(l1.blockTimeSeconds)],
    ...['--rollup.config', layout.rollup, '--genesis', layout.genesis],
    // The second node is there to show that L1 alone gives the same chain; gossip would take that from it.
    '--p2p.disable',
  ]
  const roles = (names: string) => ['--roles', network === undefined ? names : `${names},checker`]
  const sequencing = [
    ...roles('sequencer,batcher,proposer,attributor,watcher'),
    ...['--sequencer.l1-confs', '1', '--rpc.enable-admin'],
    ...['--batcher.poll-interval', '500ms', '--batcher.max-channel-duration', '1'],
    ...['--batcher.num-confirmations', '1', '--batcher.resubmission-timeout', '5s'],
    ...['--proposer.l2oo-address', state.outputOracle, '--proposer.allow-non-finalized'],
    ...['--proposer.poll-interval', '2s', '--proposer.num-confirmations', '1'],
    ...['--content.dir', layout.content, '--content.indexes', layout.indexes],
    ...['--attributor.epoch-interval', '60s', '--attributor.claim-threshold', String(claimThreshold)],
    ...['--attributor.disburse-interval', '60s', '--attributor.disburse-minimum', String(disburseMinimum)],
    ...(network === undefined
      ? []
      : ['--checker.models', modelsDir, '--watcher.models', modelsDir, ...checking(network, 'sequencer', ports)]),
  ]
  const watching = [
    ...roles('watcher'),
    ...['--content.peers', localUrl(ports.sequencerRollup), '--rollup.sequencerhttp', localUrl(ports.sequencerEth)],
    // No folder of models: it checks by the pool that was made of the weights before it started.
    ...(network === undefined ? [] : checking(network, 'verifier', ports)),
  ]
  const at = (dir: string, eth: number, rollup: number) => [
    ...['--datadir', dir, '--http.port', String(eth), '--rpc.port', String(rollup)],
  ]
  const { batcher, proposer, attributor, watcher, verifierWatcher } = knownAccounts
  processes.startSelf(
    'sequencer',
    ['node', ...at(layout.sequencer, ports.sequencerEth, ports.sequencerRollup), ...shared, ...sequencing],
    {
      env: {
        OPENLEDGER_BATCHER_PRIVATE_KEY: batcher.privateKey,
        OPENLEDGER_PROPOSER_PRIVATE_KEY: proposer.privateKey,
        OPENLEDGER_ATTRIBUTOR_PRIVATE_KEY: attributor.privateKey,
        OPENLEDGER_WATCHER_PRIVATE_KEY: watcher.privateKey,
        ...(network && { OPENLEDGER_CHECKER_PRIVATE_KEY: network.accounts.sequencerChecker.privateKey }),
      },
    },
  )
  processes.startSelf(
    'verifier',
    ['node', ...at(layout.verifier, ports.verifierEth, ports.verifierRollup), ...shared, ...watching],
    {
      env: {
        OPENLEDGER_WATCHER_PRIVATE_KEY: verifierWatcher.privateKey,
        ...(network && { OPENLEDGER_CHECKER_PRIVATE_KEY: network.accounts.verifierChecker.privateKey }),
      },
    },
  )
}

function checking({ accounts, hosts }: DevNetwork, which: 'sequencer' | 'verifier', ports: DevPorts): string[] {
  const [own, other] =
    which === 'sequencer'
      ? (['sequencerChecker', 'verifierChecker'] as const)
      : (['verifierChecker', 'sequencerChecker'] as const)
  return [
    ...['--checker.listen.ip', '127.0.0.1', '--checker.listen.tcp', String(ports[own])],
    ...['--checker.static', hosts[other], '--checker.accounts', accounts[other].address],
  ]
}

export function startIndexer({ processes, layout, ports }: LaunchParts): void {
  const l2 = `127.0.0.1:${ports.sequencerEth}`
  processes.startSelf('indexer', [
    ...['indexer', '--datadir', layout.indexer, '--l2', `http://${l2}`, '--l2.ws', `ws://${l2}`],
    ...['--content.dir', layout.content, '--http.port', String(ports.indexer)],
    // The indexes come as their Datanets are seeded.
    ...['--indexes', layout.indexes, '--models', modelsDir],
  ])
}

/** The worker that answers, and the endpoint that pays it. */
export function startAnswering({ processes, layout, ports }: LaunchParts, { accounts, hosts }: DevNetwork): void {
  const shared = ['--l2', localUrl(ports.sequencerEth), '--models', modelsDir]
  const checkers = [hosts.sequencerChecker, hosts.verifierChecker]
  processes.startSelf(
    'worker',
    [
      ...['worker', 'run', '--datadir', layout.worker, ...shared, '--indexes', layout.indexes],
      ...['--node', [localUrl(ports.sequencerRollup), localUrl(ports.verifierRollup)].join(',')],
      ...['--p2p.listen.ip', '127.0.0.1', '--p2p.listen.tcp', String(ports.worker)],
      ...['--p2p.static', checkers.join(','), '--batch.interval', '5s'],
    ],
    { env: { OPENLEDGER_PRIVATE_KEY: accounts.worker.privateKey }, needsOthers: true },
  )
  processes.startSelf(
    'proxy',
    [
      ...['infer', 'proxy', '--datadir', layout.payer, ...shared, '--http.port', String(ports.proxy)],
      ...['--p2p.static', [hosts.worker, ...checkers].join(',')],
      ...['--checkers', [accounts.sequencerChecker.address, accounts.verifierChecker.address].join(',')],
      ...['--daily-cap', dailyCap, '--deposit', deposit],
    ],
    { env: { OPENLEDGER_PRIVATE_KEY: accounts.payer.privateKey }, needsOthers: true },
  )
}
