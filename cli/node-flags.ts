import {
  asAddress,
  asCount,
  asDurationMs,
  asHttpUrl,
  asHttpUrls,
  asPort,
  asPositive,
  asSwitch,
  asText,
  asUrls,
  oneOf,
} from '../common/flag-parsers.ts'
import type { FlagTable } from '../common/flags.ts'
import { keyFlagsOf } from './key-flags.ts'
import { p2pFlags } from './p2p-flags.ts'
import { roleFlags } from './role-flags.ts'

/** What finds L1; shared by `node` and `audit`. Names as op-node spells them. */
export const l1Flags = {
  l1: {
    help: 'L1 JSON-RPC, http(s) or ws(s); several take over from each other; ws tells new heads at once',
    value: 'URL',
    parse: asUrls,
    many: true,
  },
  'l1.beacon': { help: 'L1 beacon API, for blobs', value: 'URL', parse: asHttpUrl },
  'l1.beacon-fallbacks': { help: 'more beacon APIs or blob archives', value: 'URL', parse: asHttpUrls, many: true },
  'l1.beacon.slot-duration': {
    help: 'length of a beacon slot, in seconds, where the API does not tell',
    value: 'SECONDS',
    parse: asPositive,
  },
  'rollup.l1-chain-config': {
    help: "chain configuration or genesis.json of L1, for its blob fees; unread for Ethereum's public networks; absent: Prague's fees from the first block",
    value: 'FILE',
    parse: asText,
  },
  'l1.trustrpc': { help: 'do not re-hash what L1 answers', parse: asSwitch, default: 'false' },
  'l1.http-poll-interval': {
    help: 'time between looks at the L1 head',
    value: 'DURATION',
    parse: asDurationMs,
    default: '12s',
  },
} as const satisfies FlagTable

/** Files that define the chain. */
export const chainFlags = {
  'rollup.config': { help: 'rollup.json of the chain', value: 'FILE', parse: asText },
  genesis: { help: "genesis.json of the chain, in op-geth's format (embedded engine)", value: 'FILE', parse: asText },
  'upgrade-transactions': {
    help: 'network-upgrade transactions (and the create2Deployer code of Canyon), for chains that cross a fork after genesis',
    value: 'FILE',
    parse: asText,
  },
} as const satisfies FlagTable

/** The embedded engine; shared by `node` and `engine`. */
export const engineFlags = {
  'engine.archive': { help: 'keep the state of every block (embedded engine)', parse: asSwitch, default: 'false' },
  'http.addr': {
    help: 'address of the eth_ JSON-RPC, HTTP and WebSocket (embedded engine)',
    value: 'HOST',
    parse: asText,
    default: '127.0.0.1',
  },
  'http.port': { help: 'port of the eth_ JSON-RPC', value: 'PORT', parse: asPort, default: '8545' },
  'rollup.sequencerhttp': {
    help: "JSON-RPC of the sequencer, for transactions sent here; absent: this node's own pool (embedded engine)",
    value: 'URL',
    parse: asHttpUrl,
  },
  'authrpc.addr': {
    help: 'address of the authenticated Engine API (embedded engine)',
    value: 'HOST',
    parse: asText,
    default: '127.0.0.1',
  },
  'authrpc.port': { help: 'port of the authenticated Engine API; absent: not served', value: 'PORT', parse: asPort },
  'authrpc.jwtsecret': { help: 'file with the secret of the served Engine API', value: 'FILE', parse: asText },
} as const satisfies FlagTable

export const nodeFlags = {
  datadir: { help: 'directory of the databases', value: 'DIR', parse: asText },
  ...l1Flags,
  'verifier.l1-confs': {
    help: 'L1 blocks to stay behind the head when deriving',
    value: 'N',
    parse: asCount,
    default: '0',
  },
  ...chainFlags,
  l2: { help: 'Engine API of an external engine; absent: the embedded engine', value: 'URL', parse: asHttpUrl },
  'l2.jwt-secret': { help: 'file with the 32-byte secret of the Engine API', value: 'FILE', parse: asText },
  ...engineFlags,
  'rpc.addr': { help: 'address of the rollup JSON-RPC', value: 'HOST', parse: asText, default: '127.0.0.1' },
  'rpc.port': { help: 'port of the rollup JSON-RPC', value: 'PORT', parse: asPort, default: '9545' },
  'rpc.enable-admin': { help: 'serve admin_ methods', parse: asSwitch, default: 'false' },
  'metrics.enabled': { help: 'serve /metrics on the rollup RPC port', parse: asSwitch, default: 'true' },
  'safedb.path': { help: 'directory of the safe-head database', value: 'DIR', parse: asText },
  'sequencer.enabled': { help: 'build blocks', parse: asSwitch, default: 'false' },
  'sequencer.stopped': { help: 'wait for admin_startSequencer', parse: asSwitch, default: 'false' },
  'sequencer.l1-confs': {
    help: 'L1 blocks an L1 origin must be behind the head',
    value: 'N',
    parse: asCount,
    default: '4',
  },
  'sequencer.max-safe-lag': {
    help: 'stall when unsafe is this many blocks ahead of safe; 0: never',
    value: 'N',
    parse: asCount,
    default: '0',
  },
  'sequencer.recover': {
    help: 'build only what derivation would, without pool transactions',
    parse: asSwitch,
    default: 'false',
  },
  'batcher.enabled': { help: 'post batches to L1', parse: asSwitch, default: 'false' },
  ...keyFlagsOf('batcher.', 'the batcher account'),
  'batcher.data-availability-type': {
    help: 'where batches go; auto: what is cheaper',
    value: 'blobs|calldata|auto',
    parse: oneOf('blobs', 'calldata', 'auto'),
    default: 'auto',
  },
  'batcher.batch-type': {
    help: 'form of the batches: 0 a batch a block, 1 a span of blocks a batch',
    value: '0|1',
    parse: oneOf('0', '1'),
    default: '1',
  },
  'batcher.poll-interval': {
    help: 'time between looks for new blocks',
    value: 'DURATION',
    parse: asDurationMs,
    default: '6s',
  },
  'batcher.max-channel-duration': {
    help: 'L1 blocks a channel stays open; 0: until it is full',
    value: 'N',
    parse: asCount,
    default: '0',
  },
  'batcher.target-num-frames': { help: 'frames (blobs) a transaction', value: 'N', parse: asPositive, default: '1' },
  'batcher.num-confirmations': {
    help: 'L1 blocks until a transaction counts as included',
    value: 'N',
    parse: asPositive,
    default: '10',
  },
  'batcher.resubmission-timeout': {
    help: 'time until an unmined transaction is sent again with higher fees',
    value: 'DURATION',
    parse: asDurationMs,
    default: '48s',
  },
  'proposer.enabled': { help: 'post output roots to L1', parse: asSwitch, default: 'false' },
  ...keyFlagsOf('proposer.', 'the proposer account'),
  'proposer.l2oo-address': { help: 'OutputOracle on L1', value: 'ADDRESS', parse: asAddress },
  'proposer.poll-interval': {
    help: 'time between looks for a due output root',
    value: 'DURATION',
    parse: asDurationMs,
    default: '12s',
  },
  'proposer.allow-non-finalized': {
    help: 'propose safe blocks, not only finalized ones',
    parse: asSwitch,
    default: 'false',
  },
  'proposer.num-confirmations': {
    help: 'L1 blocks until a proposal counts as included',
    value: 'N',
    parse: asPositive,
    default: '10',
  },
  ...roleFlags,
  ...p2pFlags,
} as const satisfies FlagTable
