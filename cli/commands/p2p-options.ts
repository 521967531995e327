import { join } from 'node:path'
import { errorMessage, UsageError } from '../../common/errors.ts'
import type { FlagValues } from '../../common/flags.ts'
import { loadSigningKey } from '../../common/signing-key.ts'
import type { P2pOptions, SyncOptions } from '../../node/node-options.ts'
import { canonicalCidr } from '../../p2p/peers/ip-address.ts'
import { parseEnodeAddress, parsePeerAddress, parseRecord } from '../../p2p/peers/peer-address.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { p2pFlags } from '../p2p-flags.ts'

type Flags = FlagValues<typeof p2pFlags>

/** Undefined where p2p is disabled. Throws UsageError. */
export async function p2pOptions(
  flags: Flags,
  dataDir: string,
  allowDevKeys: boolean,
): Promise<P2pOptions | undefined> {
  if (flags['p2p.disable']) return undefined
  const [lo, hi] = [flags['p2p.peers.lo'], flags['p2p.peers.hi']]
  if (lo > hi) throw new UsageError(`--p2p.peers.lo ${lo} is above --p2p.peers.hi ${hi}`)
  const bans = flags['p2p.ban.peers'] && flags['p2p.scoring'] !== 'none'
  const signerKey = await blockKey(flags, allowDevKeys)
  return {
    privateKeyPath: flags['p2p.priv.path'] ?? join(dataDir, 'p2p', 'priv.txt'),
    listen: { ip: flags['p2p.listen.ip'], tcp: flags['p2p.listen.tcp'], udp: flags['p2p.listen.udp'] },
    advertise: {
      host: flags['p2p.advertise.ip'],
      tcp: flags['p2p.advertise.tcp'],
      udp: flags['p2p.advertise.udp'],
    },
    staticPeers: checked('p2p.static', flags['p2p.static'], parsePeerAddress),
    discovery: !flags['p2p.no-discovery'],
    bootnodes: checked('p2p.bootnodes', flags['p2p.bootnodes'], parseBootnode),
    netRestrict: checked('p2p.netrestrict', flags['p2p.netrestrict'], canonicalCidr),
    peers: { lo, hi, graceMs: flags['p2p.peers.grace'] },
    banMs: flags['p2p.ban.duration'],
    banScore: bans ? flags['p2p.ban.threshold'] : Number.NEGATIVE_INFINITY,
    peerstorePath: flags['p2p.peerstore.path'] ?? join(dataDir, 'p2p', 'peerstore'),
    discoveryPath: flags['p2p.discovery.path'] ?? join(dataDir, 'p2p', 'discovery'),
    reqResp: flags['p2p.sync.req-resp'],
    gossipAgeSecondsMax: Math.ceil(flags['p2p.gossip.timestamp.threshold'] / 1000),
    agent: flags['p2p.useragent'],
    ...(signerKey === undefined ? {} : { signerKey }),
  }
}

/** The values as given, each of which can be read. Throws UsageError with the flag's name. */
function checked(flag: string, values: readonly string[] = [], parse: (value: string) => unknown): readonly string[] {
  for (const value of values) {
    try {
      parse(value)
    } catch (cause) {
      throw new UsageError(`--${flag}: ${errorMessage(cause)}`, { cause })
    }
  }
  return values
}

const parseBootnode = (text: string) => (text.startsWith('enode:') ? parseEnodeAddress(text) : parseRecord(text))

/** Throws UsageError where the embedded engine, which has no peers of its own, is told to sync from them. */
export function syncOptions(flags: Flags, isEmbedded: boolean): SyncOptions {
  const mode = flags.syncmode
  if (mode === 'execution-layer' && isEmbedded) {
    throw new UsageError('--syncmode execution-layer needs an external engine (--l2): the embedded one has no peers')
  }
  return { mode, reqResp: flags['syncmode.req-resp'], safeLagMs: flags['syncmode.offset-el-safe'] }
}

async function blockKey(flags: Flags, allowDevKeys: boolean): Promise<Hex | undefined> {
  const [privateKey, keystorePath] = [flags['p2p.sequencer.key'], flags['p2p.sequencer.keystore']]
  if (privateKey === undefined && keystorePath === undefined) return undefined
  return await loadSigningKey({
    purpose: 'block-signing',
    privateKey,
    keystorePath,
    password: flags['p2p.sequencer.keystore-password'],
    passwordFile: flags['p2p.sequencer.keystore-password-file'],
    allowDevKeys,
  })
}
