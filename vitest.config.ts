import { defineConfig } from 'vitest/config'

const setupFiles = ['common/polyfill.ts']
const globalSetup = ['test/temporary-files.ts', 'test/native-kernels.ts']
const randomCases = 'test/random-cases.ts'

/** A unit test that takes longer hangs, in ms; more cases may take longer. */
const unitMsMax = process.env['OPENLEDGER_FUZZ'] === undefined ? 60_000 : 1_800_000

/** Files at once. */
const maxWorkers = 2
/** The same of tests that mostly wait for blocks, answers and time-outs. */
const waitingWorkers = 3

/**
 * Five projects: `unit` shares threads and must stay pure; `process` starts real processes; `devnet` lets nodes make blocks for
 * minutes; `e2e` runs `openledger dev` itself, alone on the machine; `interop` runs ours against op-geth and op-node, which it
 * builds first.
 */
export default defineConfig({
  test: {
    reporters: ['default', './test/plain-reporter.ts'],
    // Tests marked concurrent start a process each, on two cores.
    maxConcurrency: 3,
    projects: [
      {
        test: {
          name: 'unit',
          globalSetup,
          include: ['test/**/*.test.ts'],
          exclude: ['test/process/**', 'test/devnet/**', 'test/e2e/**', 'test/interop/**'],
          pool: 'threads',
          isolate: false,
          maxWorkers,
          setupFiles: [...setupFiles, randomCases],
          testTimeout: unitMsMax,
          hookTimeout: unitMsMax,
        },
      },
      {
        test: {
          name: 'process',
          globalSetup,
          include: ['test/process/**/*.test.ts'],
          pool: 'forks',
          maxWorkers: waitingWorkers,
          sequence: { groupOrder: 1 },
          setupFiles,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'devnet',
          globalSetup,
          include: ['test/devnet/**/*.test.ts'],
          pool: 'forks',
          maxWorkers,
          sequence: { groupOrder: 2 },
          setupFiles,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'e2e',
          globalSetup,
          include: ['test/e2e/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          setupFiles,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          globalSetup: [...globalSetup, 'test/interop/build-peers.ts'],
          pool: 'forks',
          maxWorkers,
          sequence: { groupOrder: 4 },
          setupFiles,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
})
