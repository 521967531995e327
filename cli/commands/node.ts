import { systemClock } from '../../common/clock.ts'
import { UsageError } from '../../common/errors.ts'
import type { FlagValues } from '../../common/flags.ts'
import type { Log } from '../../common/log.ts'
import { loadSigningKey } from '../../common/signing-key.ts'
import type {
  AttributorFlags,
  BatcherFlags,
  CheckerFlags,
  EngineOptions,
  L1Options,
  NodeOptions,
  ProposerFlags,
  WatcherFlags,
} from '../../node/node-options.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { allowsDevKeys, publicPresetChainIds } from '../dev-chains.ts'
import { readJsonFile, readJwtSecret, readRollupConfig } from '../files.ts'
import { type l1Flags, nodeFlags } from '../node-flags.ts'
import type { RoleName } from '../role-flags.ts'
import { untilAborted } from '../until-aborted.ts'
import { p2pOptions, syncOptions } from './p2p-options.ts'

export const command = defineCommand({
  summary:
    'Derives the L2 from L1 and drives an execution engine; sequences, batches, proposes, attributes and watches when asked to.',
  flags: nodeFlags,
  run: async ({ flags, log, signal }) => {
    const options = await nodeOptions(flags, log)
    if (publicPresetChainIds.includes(options.rollupConfig.l2ChainId)) {
      log.warn('this chain id is a preset: a proposal for a new chain with the published id, not the live network', {
        chain: options.rollupConfig.l2ChainId,
      })
    }
    // What flags and files have wrong is said before the whole node is loaded.
    const { startNode } = await import('../../node/node.ts')
    const node = await startNode(options, { log, clock: systemClock })
    try {
      await Promise.race([node.finished, untilAborted(signal)])
    } finally {
      await node.stop()
    }
    return exitCodes.ok
  },
})

type Flags = FlagValues<typeof nodeFlags>

/** Flags to a node's options. Throws UsageError for what is missing or contradicts itself. */
export async function nodeOptions(flags: Flags, log: Log): Promise<NodeOptions> {
  const dataDir = required(flags.datadir, 'datadir')
  const rollupConfig = readRollupConfig(flags)
  const dev = allowsDevKeys(rollupConfig.l2ChainId)
  const p2p = await p2pOptions(flags, dataDir, dev)
  const has = (role: RoleName) => hasRole(flags, role)
  if (p2p !== undefined && p2p.signerKey === undefined && has('sequencer')) {
    log.warn('this sequencer gossips no blocks: no key to sign them (p2p.sequencer.key)')
  }
  return {
    dataDir,
    rollupConfig,
    ...(flags.genesis === undefined ? {} : { genesis: readJsonFile(flags.genesis, 'genesis') }),
    ...(flags['upgrade-transactions'] === undefined
      ? {}
      : { upgradeTransactions: readJsonFile(flags['upgrade-transactions'], 'upgrade-transactions') }),
    l1: l1Options(flags, flags['verifier.l1-confs']),
    engine: engineOptions(flags),
    rpc: { host: flags['rpc.addr'], port: flags['rpc.port'], enableAdmin: flags['rpc.enable-admin'] },
    safeDbPath: flags['safedb.path'],
    ...(has('sequencer')
      ? {
          sequencer: {
            stopped: flags['sequencer.stopped'],
            l1Confs: flags['sequencer.l1-confs'],
            maxSafeLag: flags['sequencer.max-safe-lag'],
            recoverMode: flags['sequencer.recover'],
          },
        }
      : {}),
    ...(has('batcher') ? { batcher: await batcherOptions(flags, dev) } : {}),
    ...(has('proposer') ? { proposer: await proposerOptions(flags, dev) } : {}),
    ...(has('attributor') ? { attributor: await attributorOptions(flags, dev) } : {}),
    ...(has('watcher') ? { watcher: await watcherOptions(flags, dev) } : {}),
    ...(has('checker') ? { checker: await checkerOptions(flags, dev) } : {}),
    content: {
      dir: flags['content.dir'],
      indexes: flags['content.indexes'],
      peers: flags['content.peers'] ?? [],
    },
    p2p,
    sync: syncOptions(flags, flags.l2 === undefined),
    metrics: flags['metrics.enabled'],
  }
}

/** The L1 flags, which `audit` has too. */
export function l1Options(flags: FlagValues<typeof l1Flags>, confs: number): L1Options {
  return {
    urls: required(flags.l1, 'l1'),
    beaconUrls: [
      ...(flags['l1.beacon'] === undefined ? [] : [flags['l1.beacon']]),
      ...(flags['l1.beacon-fallbacks'] ?? []),
    ],
    trustRpc: flags['l1.trustrpc'],
    secondsPerSlot: flags['l1.beacon.slot-duration'],
    pollIntervalMs: flags['l1.http-poll-interval'],
    confs,
  }
}

function engineOptions(flags: Flags): EngineOptions {
  if (flags.l2 !== undefined) {
    const file = required(flags['l2.jwt-secret'], 'l2.jwt-secret')
    return { kind: 'http', url: flags.l2, jwtSecret: readJwtSecret(file, 'l2.jwt-secret') }
  }
  required(flags.genesis, 'genesis')
  const port = flags['authrpc.port']
  return {
    kind: 'embedded',
    archive: flags['engine.archive'],
    rpc: { host: flags['http.addr'], port: flags['http.port'] },
    sequencerUrl: flags['rollup.sequencerhttp'],
    ...(port === undefined
      ? {}
      : {
          auth: {
            host: flags['authrpc.addr'],
            port,
            jwtSecret: readJwtSecret(required(flags['authrpc.jwtsecret'], 'authrpc.jwtsecret'), 'authrpc.jwtsecret'),
          },
        }),
  }
}

async function batcherOptions(flags: Flags, dev: boolean): Promise<BatcherFlags> {
  return {
    key: await signingKey(flags, 'batcher', dev),
    dataAvailability: flags['batcher.data-availability-type'],
    batchType: flags['batcher.batch-type'] === '0' ? 'singular' : 'span',
    pollIntervalMs: flags['batcher.poll-interval'],
    maxChannelDuration: flags['batcher.max-channel-duration'],
    targetNumFrames: flags['batcher.target-num-frames'],
    confirmations: flags['batcher.num-confirmations'],
    resubmissionTimeoutMs: flags['batcher.resubmission-timeout'],
  }
}

async function proposerOptions(flags: Flags, dev: boolean): Promise<ProposerFlags> {
  return {
    key: await signingKey(flags, 'proposer', dev),
    outputOracle: required(flags['proposer.l2oo-address'], 'proposer.l2oo-address'),
    pollIntervalMs: flags['proposer.poll-interval'],
    allowNonFinalized: flags['proposer.allow-non-finalized'],
    confirmations: flags['proposer.num-confirmations'],
    resubmissionTimeoutMs: flags['batcher.resubmission-timeout'],
  }
}

async function attributorOptions(flags: Flags, dev: boolean): Promise<AttributorFlags> {
  return {
    key: await signingKey(flags, 'attributor', dev),
    epochIntervalSeconds: Math.ceil(flags['attributor.epoch-interval'] / 1000),
    claimThreshold: flags['attributor.claim-threshold'],
    disburseMinimum: flags['attributor.disburse-minimum'],
    disburseIntervalSeconds: Math.ceil(flags['attributor.disburse-interval'] / 1000),
  }
}

async function watcherOptions(flags: Flags, dev: boolean): Promise<WatcherFlags> {
  return {
    key: await signingKey(flags, 'watcher', dev),
    commitEvidence: flags['watcher.commit-evidence'],
    models: flags['watcher.models'],
    community: flags['watcher.community'],
  }
}

async function checkerOptions(flags: Flags, dev: boolean): Promise<CheckerFlags> {
  return {
    key: await signingKey(flags, 'checker', dev),
    models: flags['checker.models'] ?? [],
    listenIp: flags['checker.listen.ip'],
    listenPort: flags['checker.listen.tcp'],
    staticPeers: flags['checker.static'] ?? [],
    accounts: flags['checker.accounts'] ?? [],
    pulledBytesPerSecond: flags['checker.pull-rate'] * 1024 * 1024,
  }
}

/** By `--roles`, or by the flag that op-node has for it. */
function hasRole(flags: Flags, role: RoleName): boolean {
  if (flags.roles?.includes(role) === true) return true
  return role !== 'attributor' && role !== 'watcher' && role !== 'checker' && flags[`${role}.enabled`]
}

function signingKey(flags: Flags, role: Exclude<RoleName, 'sequencer'>, allowDevKeys: boolean): Promise<Hex> {
  return loadSigningKey({
    purpose: role,
    privateKey: flags[`${role}.private-key`],
    keystorePath: flags[`${role}.keystore`],
    password: flags[`${role}.keystore-password`],
    passwordFile: flags[`${role}.keystore-password-file`],
    allowDevKeys,
  })
}

function required<T>(value: T | undefined, flag: string): T {
  if (value === undefined) throw new UsageError(`--${flag} is required`)
  return value
}
