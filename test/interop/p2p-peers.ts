import { expect } from 'vitest'
import { freePort } from '../fakes/anvil.ts'
import { type Peer, statusOf } from './rollup-status.ts'

/** A bootnode that is not there (its key is the curve's generator): op-node refuses to start without any. */
const nobody =
  'enode://79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8@127.0.0.1:1'

/** Flags of p2p on loopback, for op-node and for ours: the names are the same. Discovery is off unless asked for. */
export async function p2pFlags(
  dir: string,
  options: { readonly static?: readonly string[]; readonly bootnodes?: readonly string[] } = {},
): Promise<readonly string[]> {
  const { static: statics = [], bootnodes } = options
  const port = String(await freePort())
  return [
    ...['--p2p.listen.ip', '127.0.0.1', '--p2p.listen.tcp', port, '--p2p.listen.udp', port],
    ...['--p2p.advertise.ip', '127.0.0.1', '--p2p.advertise.tcp', port, '--p2p.advertise.udp', port],
    ...['--p2p.priv.path', `${dir}/p2p.key`, '--p2p.peerstore.path', 'memory', '--p2p.discovery.path', 'memory'],
    ...(bootnodes === undefined ? ['--p2p.no-discovery'] : []),
    ...['--p2p.bootnodes', bootnodes === undefined || bootnodes.length === 0 ? nobody : bootnodes.join(',')],
    ...(statics.length === 0 ? [] : ['--p2p.static', statics.join(',')]),
    '--p2p.sync.req-resp',
  ]
}

type Self = { readonly peerID: string; readonly addresses: readonly string[]; readonly ENR: string }

/** How others reach a peer: its multiaddr with id, and its ENR. */
export async function reach(peer: Peer): Promise<{ readonly multiaddr: string; readonly enr: string }> {
  const { peerID, addresses, ENR } = (await peer.rollup.request('opp2p_self')) as Self
  const [tcp] = addresses.filter((one) => /^\/ip4\/127\.0\.0\.1\/tcp\//.test(one))
  if (tcp === undefined) throw new Error(`${peer.name} listens nowhere: ${addresses.join(' ')}`)
  return { multiaddr: `${tcp.replace(/\/p2p\/.*/, '')}/p2p/${peerID}`, enr: ENR }
}

/**
 * While no batch comes to L1: `follower` has the sequencer's next blocks as unsafe ones, the same, above its own safe
 * head. They can only have come from a peer.
 */
export async function expectFollowsUnsafe(sequencer: Peer, follower: Peer, msMax = 60_000): Promise<void> {
  const heads = await Promise.all([statusOf(sequencer), statusOf(follower)])
  // A peer that has just started may not know its own head yet.
  const from = Math.max(...heads.map(({ unsafe_l2 }) => unsafe_l2.number))
  const end = Date.now() + msMax
  for (;;) {
    const { unsafe_l2, safe_l2 } = await statusOf(follower)
    if (unsafe_l2.number >= from + 3 && unsafe_l2.number > safe_l2.number) {
      const at = [`0x${unsafe_l2.number.toString(16)}`, false] as const
      const block = (await sequencer.eth.request('eth_getBlockByNumber', [...at])) as { readonly hash: string }
      expect(unsafe_l2.hash).toBe(block.hash)
      return
    }
    if (Date.now() > end) throw new Error(`${follower.name} is at ${unsafe_l2.number}, the sequencer was at ${from}`)
    await new Promise((done) => setTimeout(done, 200))
  }
}
