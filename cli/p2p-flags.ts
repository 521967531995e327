import { asCount, asDurationMs, asPort, asPositive, asSwitch, asText, oneOf } from '../common/flag-parsers.ts'
import type { FlagTable } from '../common/flags.ts'

const asList = (text: string): readonly string[] => text.split(',').map((part) => asText(part.trim()))

const asScore = (text: string): number => {
  if (!/^-?\d{1,9}(\.\d+)?$/.test(text)) throw new Error('must be a number')
  return Number(text)
}

/** How unsafe blocks come in, and the network they come from. Names as op-node spells them. */
export const p2pFlags = {
  syncmode: {
    help: 'consensus-layer: block by block; execution-layer: a fresh external engine first syncs from its own peers',
    value: 'consensus-layer|execution-layer',
    parse: oneOf('consensus-layer', 'execution-layer'),
    default: 'consensus-layer',
  },
  'syncmode.req-resp': { help: 'ask peers for missing unsafe blocks', parse: asSwitch, default: 'true' },
  'syncmode.offset-el-safe': {
    help: 'after execution-layer sync: how far below the synced tip derivation begins',
    value: 'DURATION',
    parse: asDurationMs,
    default: '12h',
  },
  'p2p.disable': { help: 'no peers: the node sees only L1', parse: asSwitch, default: 'false' },
  'p2p.no-discovery': { help: 'do not look for peers (discv5)', parse: asSwitch, default: 'false' },
  'p2p.listen.ip': { help: 'address to listen on', value: 'IP', parse: asText, default: '0.0.0.0' },
  'p2p.listen.tcp': { help: 'TCP port of libp2p; 0: any free one', value: 'PORT', parse: asPort, default: '9222' },
  'p2p.listen.udp': { help: 'UDP port of discovery; 0: as TCP', value: 'PORT', parse: asPort, default: '0' },
  'p2p.advertise.ip': {
    help: 'address (or host name) told to others; absent: learnt from what peers see',
    value: 'HOST',
    parse: asText,
  },
  'p2p.advertise.tcp': {
    help: 'TCP port told to others; 0: the one listened on',
    value: 'PORT',
    parse: asPort,
    default: '0',
  },
  'p2p.advertise.udp': {
    help: 'UDP port told to others; 0: the one listened on',
    value: 'PORT',
    parse: asPort,
    default: '0',
  },
  'p2p.static': {
    help: 'peers to stay connected to, never banned: multiaddrs ending in /p2p/PEER_ID',
    value: 'MULTIADDR',
    parse: asList,
    many: true,
  },
  'p2p.bootnodes': {
    help: 'nodes to begin discovery with: enr:… or enode://…',
    value: 'ENR',
    parse: asList,
    many: true,
  },
  'p2p.netrestrict': { help: 'subnets that discovery talks to; absent: all', value: 'CIDR', parse: asList, many: true },
  'p2p.peers.lo': { help: 'peers are looked for below this number', value: 'N', parse: asCount, default: '20' },
  'p2p.peers.hi': { help: 'the worst connections are closed above it', value: 'N', parse: asPositive, default: '30' },
  'p2p.peers.grace': {
    help: 'a new connection is left alone that long',
    value: 'DURATION',
    parse: asDurationMs,
    default: '30s',
  },
  'p2p.scoring': {
    help: 'none: peers are scored all the same, but nobody is banned for it',
    value: 'light|none',
    parse: oneOf('light', 'none'),
    default: 'light',
  },
  'p2p.ban.peers': { help: 'ban peers that misbehave', parse: asSwitch, default: 'true' },
  'p2p.ban.threshold': {
    help: 'a peer whose score falls below this is banned',
    value: 'SCORE',
    parse: asScore,
    default: '-100',
  },
  'p2p.ban.duration': {
    help: 'how long a peer that misbehaved is banned, with its address',
    value: 'DURATION',
    parse: asDurationMs,
    default: '1h',
  },
  'p2p.priv.path': {
    help: 'file with the 32-byte key of the network identity in hex, made where it is missing; absent: in the data directory',
    value: 'FILE',
    parse: asText,
  },
  'p2p.peerstore.path': {
    help: 'directory of known peers and bans, or "memory"; absent: in the data directory',
    value: 'DIR',
    parse: asText,
  },
  'p2p.discovery.path': {
    help: 'directory of discovered records, or "memory"; absent: in the data directory',
    value: 'DIR',
    parse: asText,
  },
  'p2p.sync.req-resp': { help: 'serve blocks to peers, and ask them for blocks', parse: asSwitch, default: 'true' },
  'p2p.gossip.timestamp.threshold': {
    help: 'a gossiped block older than this is refused',
    value: 'DURATION',
    parse: asDurationMs,
    default: '60s',
  },
  'p2p.useragent': { help: 'name told to peers', value: 'TEXT', parse: asText, default: 'openledger' },
  'p2p.sequencer.key': { help: 'key that signs the sequencer’s blocks', value: 'HEX', parse: asText, envOnly: true },
  'p2p.sequencer.keystore': { help: 'keystore file of the key that signs blocks', value: 'FILE', parse: asText },
  'p2p.sequencer.keystore-password-file': { help: 'file with its password', value: 'FILE', parse: asText },
  'p2p.sequencer.keystore-password': { help: 'its password', value: 'TEXT', parse: asText, envOnly: true },
} as const satisfies FlagTable
