import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { rollupConfigJson } from '../../protocol/rollup-config-json.ts'
import { freePort, hasAnvil } from '../fakes/anvil.ts'
import { CliProcess } from '../fakes/cli-process.ts'
import { DevNet } from '../fakes/dev-net.ts'

type Json = Record<string, unknown>

describe.skipIf(!hasAnvil)('what an operator may get wrong (skipped without anvil)', () => {
  let net: DevNet
  const running: CliProcess[] = []

  beforeAll(async () => {
    net = await DevNet.start()
    const rollup = rollupConfigJson(net.rollupConfig) as Json
    const genesis = net.options('files').genesis as Json
    const genesisOf = rollup['genesis'] as Json
    const files: Record<string, unknown> = {
      'rollup.json': rollup,
      'genesis.json': genesis,
      'other-genesis.json': { ...genesis, timestamp: '0x5' },
      'other-l1.json': { ...rollup, l1_chain_id: 902 },
      'other-l2.json': { ...rollup, l2_chain_id: 5 },
      'other-l1-block.json': { ...rollup, genesis: { ...genesisOf, l1: { hash: `0x${'11'.repeat(32)}`, number: 1 } } },
      'unknown-field.json': { ...rollup, colour: 'red' },
      'preset-1612.json': { ...rollup, l2_chain_id: 1612 },
      'preset-161201.json': { ...rollup, l2_chain_id: 161_201 },
      'keystore.json': { version: 3 },
      'l1-config.json': { chainId: 5, cancunTime: 0, blobSchedule: { cancun: { baseFeeUpdateFraction: 1 } } },
    }
    for (const [name, content] of Object.entries(files)) writeFileSync(at(name), JSON.stringify(content))
    writeFileSync(at('half.json'), '{"a":')
    writeFileSync(at('password'), 'secret\n')
  })
  afterAll(async () => {
    await Promise.all(running.map((process) => process.stop()))
    await net.stop()
  })

  const at = (name: string) => join(net.folder, name)

  /** A node with good flags, but for `flags`. */
  function node(
    name: string,
    flags: Record<string, string>,
    options: { readonly env?: Record<string, string>; readonly fileKiBMax?: number } = {},
  ): CliProcess {
    const all = {
      datadir: at(name),
      l1: net.anvil.url,
      'l1.beacon': net.anvil.url,
      'l1.http-poll-interval': '200ms',
      'rollup.config': at('rollup.json'),
      genesis: at('genesis.json'),
      'http.port': '0',
      'rpc.port': '0',
      'p2p.disable': 'true',
      'log.format': 'json',
      ...flags,
    }
    const process = new CliProcess(
      ['node', ...Object.entries(all).map(([flag, value]) => `--${flag}=${value}`)],
      options,
    )
    running.push(process)
    return process
  }

  const batcher = { 'batcher.enabled': 'true' }
  const devKey = { env: { OPENLEDGER_BATCHER_PRIVATE_KEY: devPrivateKeys[1] } }

  test.concurrent.each<[string, () => CliProcess, RegExp]>([
    ['a genesis of another chain', () => node('a', { genesis: at('other-genesis.json') }), /genesis/],
    [
      'an L1 with another chain id',
      () => node('b', { 'rollup.config': at('other-l1.json') }),
      /L1 is of chain 31337.*902/,
    ],
    [
      'a genesis with another chain id',
      () => node('c', { 'rollup.config': at('other-l2.json') }),
      /of chain 901.*of chain 5/,
    ],
    ['an L1 without the genesis block', () => node('d', { 'rollup.config': at('other-l1-block.json') }), /genesis/],
    ['a rollup.json with an unknown field', () => node('e', { 'rollup.config': at('unknown-field.json') }), /colour/],
    ['a file that is no JSON', () => node('f', { genesis: at('half.json') }), /half.json is not JSON/],
    ['a file that is not there', () => node('g', { genesis: at('none.json') }), /none.json cannot be read/],
    [
      'an L1 chain config of another chain',
      () => node('h', { 'rollup.l1-chain-config': at('l1-config.json') }),
      /L1 5/,
    ],
    ['a key on the command line', () => node('i', { ...batcher, 'batcher.private-key': devPrivateKeys[1] }), /secret/],
    ['no key', () => node('j', batcher), /no batcher key/],
    [
      'a damaged key',
      () => node('k', batcher, { env: { OPENLEDGER_BATCHER_PRIVATE_KEY: '0x12' } }),
      /not a private key/,
    ],
    [
      'a damaged keystore',
      () =>
        node('l', {
          ...batcher,
          'batcher.keystore': at('keystore.json'),
          'batcher.keystore-password-file': at('password'),
        }),
      /batcher keystore/,
    ],
    [
      'a keystore without password',
      () => node('m', { ...batcher, 'batcher.keystore': at('keystore.json') }),
      /password/,
    ],
    [
      'a development key on 1612',
      () => node('n', { ...batcher, 'rollup.config': at('preset-1612.json') }, devKey),
      /public development key/,
    ],
    [
      'a development key on 161201',
      () => node('o', { ...batcher, 'rollup.config': at('preset-161201.json') }, devKey),
      /public development key/,
    ],
    ['an L1 URL that is none', () => node('p', { l1: 'localhost' }), /--l1.*must be/],
    ['a WebSocket URL for the beacon API', () => node('q', { 'l1.beacon': 'ws://127.0.0.1:1' }), /--l1.beacon.*http/],
    ['a misspelt flag', () => node('r', { 'l1.becon': 'x' }), /unknown flag --l1.becon/],
    ['a data directory that is a file', () => node('password', {}), /password/],
    ['a port that is taken', () => node('s', { 'rpc.port': new URL(net.anvil.url).port }), /taken/],
  ])('%s: one line that says it, and an exit code that is not 0', async (_, start, message) => {
    const process = start()
    expect(await process.ended()).toBeGreaterThan(0)
    expect(process.words).toEqual([expect.stringMatching(message)])
    expect(process.stderr).not.toContain(devPrivateKeys[1])
  })

  test('an L1 that is not reachable is tried again, and the node stops when told', async () => {
    const process = node('t', { l1: `http://127.0.0.1:${await freePort()}` })
    await process.until('"message":"L1 is not reachable"')
    expect(await process.stop()).toBe(0)
  })

  test('a second process on the same directory is refused, and the first goes on', async () => {
    const first = node('u', {})
    await first.until('"message":"node started"')
    const second = node('u', {})
    expect(await second.ended()).toBeGreaterThan(0)
    expect(second.words).toEqual([expect.stringContaining('another process')])
    expect(await first.stop()).toBe(0)
  })

  test('a database that is damaged is named, and nothing in it is changed', async () => {
    const healthy = node('v', {})
    await healthy.until('"message":"node started"')
    expect(await healthy.stop()).toBe(0)
    const folder = join(at('v'), 'engine')
    writeFileSync(join(folder, 'CURRENT'), 'MANIFEST-999999\n')
    const before = readdirSync(folder).filter((name) => name.endsWith('.ldb') || name.startsWith('MANIFEST'))
    const process = node('v', {})
    expect(await process.ended()).toBeGreaterThan(0)
    expect(process.words).toEqual([expect.stringContaining(folder)])
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(before))
    expect(readFileSync(join(folder, 'CURRENT'), 'utf8')).toBe('MANIFEST-999999\n')
  })

  test('a full disk ends the node with a message, and it goes on when there is room', async () => {
    // The state of the genesis block alone is larger.
    const full = node('w', {}, { fileKiBMax: 256 })
    expect(await full.ended()).toBeGreaterThan(0)
    expect(full.words).toEqual([expect.stringMatching(/IO error: .*too large/)])
    const roomy = node('w', {})
    await roomy.until('"message":"node started"')
    expect(await roomy.stop()).toBe(0)
  })

  test('missing blobs are asked for again and again, and never passed over', async () => {
    const sequencer = await net.node(
      net.sequencerOptions('x', { batcher: { ...net.sequencerOptions().batcher, dataAvailability: 'blobs' } as never }),
    )
    await sequencer.until(({ safe }) => safe >= 1n)
    const verifier = node('y', { 'l1.beacon': `http://127.0.0.1:${await freePort()}`, 'rpc.port': '0' })
    await verifier.until('is needed and')
    expect(verifier.stderr).toMatch(/"message":"[^"]*","[^\n]*blob/)
    expect(await verifier.stop()).toBe(0)
    await sequencer.stop()
  })
})
