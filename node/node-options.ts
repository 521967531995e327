import type { Hex } from '../protocol/bytes.ts'
import type { RollupConfig } from '../protocol/rollup-config.ts'

/** Where a server listens; port 0 takes any free one. */
export type ListenOptions = { readonly host: string; readonly port: number }

/** Everything a node is told: plain data, one field a flag. op-node's flag stands in each comment. */
export type NodeOptions = {
  /** Holds the engine's database, the safe-head database, the sequencer's state and the lock. */
  readonly dataDir: string
  /** `--rollup.config` */
  readonly rollupConfig: RollupConfig
  /** Parsed genesis.json in op-geth's format; needed by the embedded engine only. */
  readonly genesis?: unknown
  /** Parsed file of network-upgrade transactions; needed where a fork activates after genesis. */
  readonly upgradeTransactions?: unknown
  readonly l1: L1Options
  readonly engine: EngineOptions
  /** `--rpc.addr`, `--rpc.port`, `--rpc.enable-admin`: the rollup node's own JSON-RPC. */
  readonly rpc: ListenOptions & { readonly enableAdmin: boolean }
  /** `--safedb.path`; absent: `safedb` in the data directory. */
  readonly safeDbPath?: string | undefined
  /** `--sequencer.enabled` */
  readonly sequencer?: SequencerOptions | undefined
  readonly batcher?: BatcherFlags | undefined
  readonly proposer?: ProposerFlags | undefined
  readonly attributor?: AttributorFlags | undefined
  readonly watcher?: WatcherFlags | undefined
  readonly checker?: CheckerFlags | undefined
  /** Absent: `content` in the data directory, and nobody is asked. */
  readonly content?: ContentOptions | undefined
  /** Absent: `--p2p.disable`. */
  readonly p2p?: P2pOptions | undefined
  /** Absent: block by block, gaps filled from peers. */
  readonly sync?: SyncOptions | undefined
  /** `--metrics.enabled`: `/metrics` on the rollup RPC port. */
  readonly metrics: boolean
}

export type L1Options = {
  /** `--l1`: the first that answers is used, the others take over when it fails. */
  readonly urls: readonly string[]
  /** `--l1.beacon` and `--l1.beacon-fallbacks`; empty: blobs cannot be read. */
  readonly beaconUrls: readonly string[]
  /** `--l1.trustrpc`: skip the checks of hashes and roots. */
  readonly trustRpc: boolean
  /** Seconds of a beacon slot; absent: asked of the beacon node. */
  readonly secondsPerSlot?: number | undefined
  /** `--l1.http-poll-interval` */
  readonly pollIntervalMs: number
  /** `--verifier.l1-confs`: L1 blocks hidden from derivation below the head. */
  readonly confs: number
}

export type EngineOptions =
  | {
      readonly kind: 'embedded'
      /** Keep the state of every block. */
      readonly archive: boolean
      /** The public `eth_*` JSON-RPC, HTTP and WebSocket. */
      readonly rpc: ListenOptions
      /** `--rollup.sequencerhttp`: where transactions sent to the public JSON-RPC go; absent: this engine's own pool. */
      readonly sequencerUrl?: string | undefined
      /** An authenticated Engine API port for other clients (op-node's `--l2` points here). */
      readonly auth?: (ListenOptions & { readonly jwtSecret: Uint8Array }) | undefined
    }
  | {
      readonly kind: 'http'
      /** `--l2` */
      readonly url: string
      /** `--l2.jwt-secret`, 32 bytes. */
      readonly jwtSecret: Uint8Array
    }

export type SequencerOptions = {
  /** `--sequencer.stopped`: start only at `admin_startSequencer`. What the last run persisted wins over it. */
  readonly stopped: boolean
  /** `--sequencer.l1-confs` */
  readonly l1Confs: number
  /** `--sequencer.max-safe-lag`: stall when unsafe is that many blocks ahead of safe; 0: never. */
  readonly maxSafeLag: number
  /** `--sequencer.recover`: only what derivation would produce, no pool transactions. */
  readonly recoverMode: boolean
}

export type P2pOptions = {
  /** `--p2p.priv.path`: file of the host's identity; made where it is missing. */
  readonly privateKeyPath: string
  /** `--p2p.listen.ip`, `.tcp`, `.udp`; a UDP port of 0 takes the TCP port's number. */
  readonly listen: { readonly ip: string; readonly tcp: number; readonly udp: number }
  /** `--p2p.advertise.ip` (or host name), `.tcp`, `.udp`; 0: what is listened on. */
  readonly advertise: { readonly host?: string | undefined; readonly tcp: number; readonly udp: number }
  /** `--p2p.static`: multiaddrs with peer id. */
  readonly staticPeers: readonly string[]
  /** `--p2p.no-discovery` */
  readonly discovery: boolean
  /** `--p2p.bootnodes`: `enr:` and `enode:` texts. */
  readonly bootnodes: readonly string[]
  /** `--p2p.netrestrict`: subnets that discovery talks to; none: all. */
  readonly netRestrict: readonly string[]
  /** `--p2p.peers.lo`, `.hi`, `.grace` */
  readonly peers: { readonly lo: number; readonly hi: number; readonly graceMs: number }
  /** `--p2p.ban.duration` */
  readonly banMs: number
  /** `--p2p.ban.threshold`; minus infinity with `--p2p.ban.peers=false`. */
  readonly banScore: number
  /** `--p2p.peerstore.path`: directory of known peers and bans, or `memory`. */
  readonly peerstorePath: string
  /** `--p2p.discovery.path`: directory of the discovery table's records, or `memory`. */
  readonly discoveryPath: string
  /** `--p2p.sync.req-resp`: serve blocks by number, and ask for them. */
  readonly reqResp: boolean
  /** `--p2p.gossip.timestamp.threshold` */
  readonly gossipAgeSecondsMax: number
  /** `--p2p.useragent` */
  readonly agent: string
  /** `p2p.sequencer.key`: signs the sequencer's blocks. */
  readonly signerKey?: Hex | undefined
}

export type SyncOptions = {
  /** `--syncmode`: block by block, or the engine by its own peers first. */
  readonly mode: 'consensus-layer' | 'execution-layer'
  /** `--syncmode.req-resp`: ask peers for missing blocks. */
  readonly reqResp: boolean
  /** `--syncmode.offset-el-safe`: how far below the engine's synced tip derivation begins. */
  readonly safeLagMs: number
}

/** Absent fields take the batcher's own defaults. */
export type BatcherFlags = {
  readonly key: Hex
  /** `--data-availability-type` */
  readonly dataAvailability?: 'blobs' | 'calldata' | 'auto' | undefined
  /** `--batch-type` */
  readonly batchType?: 'singular' | 'span' | undefined
  /** `--poll-interval` */
  readonly pollIntervalMs?: number | undefined
  /** `--max-channel-duration`, L1 blocks; 0: off. */
  readonly maxChannelDuration?: number | undefined
  /** `--target-num-frames` */
  readonly targetNumFrames?: number | undefined
  /** `--sub-safety-margin`, L1 blocks. */
  readonly subSafetyMargin?: number | undefined
  /** `--num-confirmations` */
  readonly confirmations?: number | undefined
  /** `--resubmission-timeout` */
  readonly resubmissionTimeoutMs?: number | undefined
}

/** Absent fields take the proposer's own defaults. */
export type ProposerFlags = {
  readonly key: Hex
  /** Address of the OutputOracle on L1. */
  readonly outputOracle: Hex
  readonly pollIntervalMs?: number | undefined
  /** `--allow-non-finalized`: propose safe blocks, not only finalized ones. */
  readonly allowNonFinalized?: boolean | undefined
  readonly confirmations?: number | undefined
  readonly resubmissionTimeoutMs?: number | undefined
}

/** Absent fields take the attributor's own defaults. */
export type AttributorFlags = {
  readonly key: Hex
  /** `--attributor.epoch-interval`: least time between two epochs. */
  readonly epochIntervalSeconds?: number | undefined
  /** `--attributor.claim-threshold`, wei; 0: nobody is paid unasked. */
  readonly claimThreshold?: bigint | undefined
  /** `--attributor.disburse-minimum`, wei of gas fees; 0: they are left to who asks. */
  readonly disburseMinimum?: bigint | undefined
  /** `--attributor.disburse-interval`: least time between two disbursements. */
  readonly disburseIntervalSeconds?: number | undefined
}

export type WatcherFlags = {
  readonly key: Hex
  /** `--watcher.commit-evidence` */
  readonly commitEvidence?: boolean | undefined
  /** `--watcher.models`: folders of models, adapters and tables of influences, by which class G is judged. */
  readonly models?: readonly string[] | undefined
  /** `--watcher.community`: check contributions and versions of Datanets too; absent: yes. */
  readonly community?: boolean | undefined
}

export type CheckerFlags = {
  /** Of the account that verdicts are signed by. */
  readonly key: Hex
  /** `--checker.models`: folders of model and adapter files, each model read once. */
  readonly models: readonly string[]
  /** `--checker.listen.ip`, `--checker.listen.tcp` */
  readonly listenIp: string
  readonly listenPort: number
  /** `--checker.static`: multiaddrs of workers and checkers that are kept connected. */
  readonly staticPeers: readonly string[]
  /** `--checker.accounts`: other checkers that are let in. */
  readonly accounts: readonly Hex[]
  /** `--checker.pull-rate`: bytes of proofs a second; absent: what blocks do not feel. */
  readonly pulledBytesPerSecond?: number | undefined
}

export type ContentOptions = {
  /** `--content.dir`: files of batches and epochs by content hash. */
  readonly dir?: string | undefined
  /** `--content.indexes`: index files by id; absent: `indexes` in the data directory. */
  readonly indexes?: string | undefined
  /** `--content.peers`: nodes that are asked for files that are not here. */
  readonly peers: readonly string[]
}
