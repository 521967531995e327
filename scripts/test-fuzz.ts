import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'

/**
 * Tests whose cases can be more: `npm run test:fuzz`; `npm run test:fuzz -- whole` runs the figures that the laws are written
 * with, for hours, on cases that no run before drew: `OPENLEDGER_SEED` repeats them. `OPENLEDGER_FUZZ` says how many a test
 * makes; what one is, each test says.
 */
type Group = { readonly rounds: number; readonly whole: number; readonly files: readonly string[] }

const contracts = (...names: readonly string[]) => names.map((name) => `test/contracts/${name}.test.ts`)

const groups: readonly Group[] = [
  {
    rounds: 10_000,
    whole: 100_000,
    files: [
      'test/inference/check/tampers.test.ts',
      'test/precompiles-sim/twins.test.ts',
      'test/protocol/stake-interest.test.ts',
      'test/attribution/answer-file/words.test.ts',
      'test/attribution/answer-file/words-v2.test.ts',
      'test/attribution/datanets/statement.test.ts',
      'test/attribution/gradients/quality.test.ts',
      ...contracts('artifacts', 'royalty-vault', 'money-fuzz'),
    ],
  },
  {
    rounds: 3_000,
    whole: 10_000,
    files: [
      'test/attribution/epochs/check-epoch.test.ts',
      ...contracts('corrupted-batches', 'corrupted-epochs', 'dispute-epochs', 'unit-rules', 'one-step'),
      ...contracts('stake-pool-laws', 'datanet-units', 'datanet-access'),
    ],
  },
  {
    rounds: 300,
    whole: 10_000,
    files: contracts(
      'index-takeover',
      'datanet-laws',
      'agent-trails',
      'grants',
      'gopen',
      'stake-pool',
      'licence-policy',
    ),
  },
  {
    rounds: 5,
    whole: 100,
    files: [
      'test/inference/check/fingerprint',
      ...contracts('datanet-review-laws', 'dispute-citations', 'staked-members', 'checker-committee'),
    ],
  },
  {
    rounds: 3,
    whole: 100,
    files: [
      'test/attribution/epochs/check-hidden-batch.test.ts',
      'test/node/watcher/watcher.test.ts',
      ...contracts('dispute-shares'),
    ],
  },
]

const isWhole = process.argv.includes('whole')
const seed = process.env['OPENLEDGER_SEED'] ?? String(isWhole ? randomInt(2 ** 31) : 1)
process.stdout.write(`seed ${seed}\n`)
const failed = groups.filter(({ rounds, whole, files }) => {
  const env = { ...process.env, OPENLEDGER_SEED: seed, OPENLEDGER_FUZZ: String(isWhole ? whole : rounds) }
  const { status } = spawnSync('vitest', ['run', '--project', 'unit', ...files], { stdio: 'inherit', env })
  return status !== 0
})
if (failed.length > 0) process.exitCode = 1
