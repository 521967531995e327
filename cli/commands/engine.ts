import { systemClock } from '../../common/clock.ts'
import { UsageError } from '../../common/errors.ts'
import { startEngine } from '../../node/engine-only.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { readJsonFile, readJwtSecret, readRollupConfig } from '../files.ts'
import { chainFlags, engineFlags, nodeFlags } from '../node-flags.ts'
import { untilAborted } from '../until-aborted.ts'

export const command = defineCommand({
  summary:
    'Serves the embedded engine alone: Engine API with JWT for op-node or another rollup node to drive, eth_ JSON-RPC for everybody.',
  flags: { datadir: nodeFlags.datadir, ...chainFlags, ...engineFlags },
  run: async ({ flags, log, signal }) => {
    const given = <T>(value: T | undefined, flag: keyof typeof flags): T => {
      if (value === undefined) throw new UsageError(`--${flag} is required`)
      return value
    }
    const secret = given(flags['authrpc.jwtsecret'], 'authrpc.jwtsecret')
    const upgrades = flags['upgrade-transactions']
    const engine = await startEngine(
      {
        dataDir: given(flags.datadir, 'datadir'),
        rollupConfig: readRollupConfig(flags),
        genesis: readJsonFile(given(flags.genesis, 'genesis'), 'genesis'),
        ...(upgrades === undefined ? {} : { upgradeTransactions: readJsonFile(upgrades, 'upgrade-transactions') }),
        engine: {
          kind: 'embedded',
          archive: flags['engine.archive'],
          rpc: { host: flags['http.addr'], port: flags['http.port'] },
          sequencerUrl: flags['rollup.sequencerhttp'],
          auth: {
            host: flags['authrpc.addr'],
            port: given(flags['authrpc.port'], 'authrpc.port'),
            jwtSecret: readJwtSecret(secret, 'authrpc.jwtsecret'),
          },
        },
      },
      { log, clock: systemClock },
    )
    await untilAborted(signal)
    await engine.stop()
    return exitCodes.ok
  },
})
