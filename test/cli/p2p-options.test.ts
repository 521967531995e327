import { expect, test } from 'vitest'
import { p2pOptions, syncOptions } from '../../cli/commands/p2p-options.ts'
import { p2pFlags } from '../../cli/p2p-flags.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { parseFlags } from '../../common/flags.ts'

const flags = (argv: readonly string[], env: Record<string, string> = {}) => parseFlags(p2pFlags, { argv, env }).values

test('without flags the node has op-node’s network: port 9222, 20 to 30 peers, bans of an hour below −100', async () => {
  expect(await p2pOptions(flags([]), '/data', false)).toMatchObject({
    privateKeyPath: '/data/p2p/priv.txt',
    listen: { ip: '0.0.0.0', tcp: 9222, udp: 0 },
    peers: { lo: 20, hi: 30, graceMs: 30_000 },
    banMs: 3_600_000,
    banScore: -100,
    discovery: true,
    reqResp: true,
  })
  expect(await p2pOptions(flags(['--p2p.disable']), '/data', false)).toBeUndefined()
})

const peer = (i: number) => `/ip4/10.0.0.${i}/tcp/9222/p2p/16Uiu2HAmSH2XVgZqYHWucap5kuPzLnt2TsNQkoppVxB5eJGvaXwm`

test.each([
  ['p2p.static', '/ip4/10.0.0.1/tcp/9222'],
  ['p2p.bootnodes', 'enr:abc'],
  ['p2p.bootnodes', 'enode://abc@10.0.0.1:9222'],
  ['p2p.netrestrict', '10.0.0.0'],
])('--%s %s is refused by name before anything is opened', async (flag, value) => {
  await expect(p2pOptions(flags([`--${flag}`, value]), '/data', false)).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(`--${flag}`),
  })
})

test('lists may be given by commas or by repetition', async () => {
  const argv = ['--p2p.static', `${peer(1)},${peer(2)}`, '--p2p.netrestrict=10.0.0.0/8', '--p2p.netrestrict', '::1/128']
  expect(await p2pOptions(flags(argv), '/data', false)).toMatchObject({
    staticPeers: [peer(1), peer(2)],
    netRestrict: ['10.0.0.0/8', '::1/128'],
  })
})

test.each([
  [['--p2p.ban.peers=false'], Number.NEGATIVE_INFINITY],
  [['--p2p.scoring', 'none'], Number.NEGATIVE_INFINITY],
  [['--p2p.ban.threshold', '-40.5'], -40.5],
])('%j bans below %d', async (argv, banScore) => {
  expect(await p2pOptions(flags(argv), '/data', false)).toMatchObject({ banScore })
})

test('marks that contradict each other are refused', async () => {
  await expect(p2pOptions(flags(['--p2p.peers.lo', '40']), '/data', false)).rejects.toThrow('is above')
})

test('the key that signs blocks comes from the environment, never from argv, and is no public one', async () => {
  const env = { OPENLEDGER_P2P_SEQUENCER_KEY: devPrivateKeys[4] }
  expect(() => flags(['--p2p.sequencer.key', devPrivateKeys[4]])).toThrow('is a secret')
  await expect(p2pOptions(flags([], env), '/data', false)).rejects.toThrow('public development key')
  expect(await p2pOptions(flags([], env), '/data', true)).toMatchObject({ signerKey: devPrivateKeys[4] })
})

test('the embedded engine cannot sync by itself', () => {
  const execution = flags(['--syncmode', 'execution-layer'])
  expect(() => syncOptions(execution, true)).toThrow('needs an external engine')
  expect(syncOptions(execution, false)).toEqual({ mode: 'execution-layer', reqResp: true, safeLagMs: 12 * 3_600_000 })
})
