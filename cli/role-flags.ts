import {
  asAddress,
  asBig,
  asDurationMs,
  asHttpUrls,
  asPort,
  asPositive,
  asSwitch,
  asText,
} from '../common/flag-parsers.ts'
import type { FlagTable } from '../common/flags.ts'
import { bytesPerSecondMin, pullsMax } from '../p2p/workers/proofs/limits.ts'
import { keyFlagsOf } from './key-flags.ts'

/** What a node may do beside following the chain. */
export const roleNames = ['sequencer', 'batcher', 'proposer', 'attributor', 'watcher', 'checker'] as const
export type RoleName = (typeof roleNames)[number]

const asRoles = (text: string): readonly RoleName[] =>
  text.split(',').map((part) => {
    const name = roleNames.find((known) => known === part.trim())
    if (name === undefined) throw new Error(`must be a list of ${roleNames.join(', ')}`)
    return name
  })

const asTexts = (text: string): readonly string[] => text.split(',').map((part) => asText(part.trim()))
const asAddresses = (text: string) => text.split(',').map((part) => asAddress(part.trim()))
/** MiB a second of which each of as many pulls as there may be keeps the least rate that a peer is held to. */
const pullRateMin = (pullsMax * bytesPerSecondMin) / 1024 ** 2
const asPullRate = (text: string): number => {
  const rate = asPositive(text)
  if (rate < pullRateMin) throw new Error(`must be ${pullRateMin} or more`)
  return rate
}

/** Roles, and what those of money need. */
export const roleFlags = {
  roles: {
    help: `what this node does: a list of ${roleNames.join(', ')}; the first three as by their own .enabled flags`,
    value: 'LIST',
    parse: asRoles,
    many: true,
  },
  'content.dir': {
    help: 'directory of the files of batches and epochs, by content hash; absent: content in the data directory',
    value: 'DIR',
    parse: asText,
  },
  'content.indexes': {
    help: 'directory of suffix indexes, served and, by a watcher, fetched by id; absent: indexes in the data directory',
    value: 'DIR',
    parse: asText,
  },
  'content.peers': {
    help: 'rollup RPCs of nodes that are asked for files that are not here',
    value: 'URL',
    parse: asHttpUrls,
    many: true,
  },
  ...keyFlagsOf('attributor.', 'the attributor account'),
  'attributor.epoch-interval': {
    help: 'least time between two epochs',
    value: 'DURATION',
    parse: asDurationMs,
    default: '1h',
  },
  'attributor.claim-threshold': {
    help: 'wei of unclaimed credit in a final epoch from which a payee is paid out unasked; 0: nobody is',
    value: 'WEI',
    parse: asBig,
    default: '10000000000000000',
  },
  'attributor.disburse-minimum': {
    help: 'wei of gas fees in the fee vaults from which they are divided among stakers and treasury unasked; 0: never',
    value: 'WEI',
    parse: asBig,
    default: '10000000000000000000',
  },
  'attributor.disburse-interval': {
    help: 'least time between two such disbursements, whoever asked for the last one',
    value: 'DURATION',
    parse: asDurationMs,
    default: '24h',
  },
  ...keyFlagsOf('watcher.', 'the watcher account'),
  'watcher.community': {
    help: 'check the contents of contributions and the lists of versions that are here or at a peer, and challenge what is false',
    parse: asSwitch,
    default: 'true',
  },
  'watcher.commit-evidence': {
    help: 'commit to the evidence of a challenge in a transaction before it, so that who copies it gains nothing',
    parse: asSwitch,
    default: 'false',
  },
  'watcher.models': {
    help: 'directories of model and adapter files and of tables of influences, by which class G of algoHash v2 is judged; each model in force is held in memory in single precision',
    value: 'DIR',
    parse: asTexts,
    many: true,
  },
  ...keyFlagsOf('checker.', 'the checker account'),
  'checker.models': {
    help: 'directories of model and adapter files; a model is read once, what is kept of it checks answers without weights',
    value: 'DIR',
    parse: asTexts,
    many: true,
  },
  'checker.listen.ip': {
    help: 'address to listen on for workers',
    value: 'IP',
    parse: asText,
    default: '0.0.0.0',
  },
  'checker.listen.tcp': { help: 'its TCP port; 0: any free one', value: 'PORT', parse: asPort, default: '9224' },
  'checker.static': {
    help: 'multiaddrs with peer id of workers and checkers that are kept connected',
    value: 'ADDRS',
    parse: asTexts,
    many: true,
  },
  'checker.accounts': {
    help: 'accounts of other checkers that are let in and heard',
    value: 'ADDRS',
    parse: asAddresses,
    many: true,
  },
  'checker.pull-rate': {
    help: 'MiB of proofs a second that are pulled, all together; blocks do not feel the default, a node that checks above all takes more',
    value: 'MIB',
    parse: asPullRate,
    default: '8',
  },
} as const satisfies FlagTable
