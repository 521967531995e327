import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { nodeOptions } from '../../cli/commands/node.ts'
import { nodeFlags } from '../../cli/node-flags.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { parseFlags } from '../../common/flags.ts'
import { silentLog } from '../../common/log.ts'
import { pulledBytesPerSecondDefault } from '../../p2p/workers/limits.ts'
import { rollupConfigJson } from '../../protocol/rollup-config-json.ts'
import { testRollupConfig } from '../fakes/rollup-config.ts'

const dir = mkdtempSync(join(tmpdir(), 'roles-'))
const rollup = join(dir, 'rollup.json')
const { genesis } = testRollupConfig()
const config = testRollupConfig({ l2ChainId: 901n, genesis: { ...genesis, l2Time: 1n } })
writeFileSync(rollup, JSON.stringify(rollupConfigJson(config)))
writeFileSync(join(dir, 'genesis.json'), '{}')
afterAll(() => rmSync(dir, { recursive: true }))

const options = (argv: readonly string[], env: Record<string, string> = {}) => {
  const files = [
    '--datadir',
    dir,
    '--rollup.config',
    rollup,
    '--genesis',
    join(dir, 'genesis.json'),
    '--l1',
    'http://l1',
  ]
  return nodeOptions(parseFlags(nodeFlags, { argv: [...files, '--p2p.disable', ...argv], env }).values, silentLog)
}
const keys = {
  OPENLEDGER_BATCHER_PRIVATE_KEY: devPrivateKeys[1],
  OPENLEDGER_ATTRIBUTOR_PRIVATE_KEY: devPrivateKeys[5],
  OPENLEDGER_WATCHER_PRIVATE_KEY: devPrivateKeys[3],
}

test('a role is had by --roles, or by op-node’s flag for it', async () => {
  const none = await options([])
  for (const role of ['sequencer', 'batcher', 'proposer', 'attributor', 'watcher'] as const) {
    expect(none[role]).toBeUndefined()
  }
  const both = await options(['--roles', 'sequencer,attributor', '--roles', 'watcher', '--batcher.enabled'], keys)
  expect(both).toMatchObject({
    sequencer: { stopped: false },
    batcher: { key: devPrivateKeys[1] },
    attributor: {
      key: devPrivateKeys[5],
      epochIntervalSeconds: 3_600,
      claimThreshold: 10n ** 16n,
      disburseMinimum: 10n ** 19n,
      disburseIntervalSeconds: 86_400,
    },
    watcher: { key: devPrivateKeys[3], commitEvidence: false },
    content: { peers: [] },
  })
  expect(both.proposer).toBeUndefined()
})

test.each(['attributor', 'watcher'])('the role %s without a key is refused by its name', async (role) => {
  await expect(options(['--roles', role])).rejects.toMatchObject({ code: 'usage', message: `no ${role} key is given` })
})

test('an unknown role, a key on the command line and a peer that is no URL are refused by name', () => {
  expect(() => parseFlags(nodeFlags, { argv: ['--roles', 'sequencer,miner'], env: {} })).toThrow(/--roles .*watcher/)
  expect(() => parseFlags(nodeFlags, { argv: ['--watcher.private-key', '0x1'], env: {} })).toThrow('is a secret')
  expect(() => parseFlags(nodeFlags, { argv: ['--content.peers', 'here'], env: {} })).toThrow('--content.peers')
})

test('a checker pulls at the rate of its flag; one at which honest workers would seem slow is refused', async () => {
  const checker = { ...keys, OPENLEDGER_CHECKER_PRIVATE_KEY: devPrivateKeys[4] }
  const rateOf = async (argv: readonly string[]) =>
    (await options(['--roles', 'checker', ...argv], checker)).checker?.pulledBytesPerSecond
  expect(await rateOf([])).toBe(pulledBytesPerSecondDefault)
  expect(await rateOf(['--checker.pull-rate', '4'])).toBe(4 * 1024 ** 2)
  await expect(rateOf(['--checker.pull-rate', '3'])).rejects.toThrow('must be 4 or more')
})
