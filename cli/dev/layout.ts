import { join } from 'node:path'

/** Files and directories of a dev chain below its data directory. */
export function devLayout(dataDir: string) {
  return {
    dataDir,
    /** What the chain is and how far its seeding came. */
    stateFile: join(dataDir, 'dev.json'),
    /** Keys of the accounts that are this chain's alone. */
    keys: join(dataDir, 'keys.json'),
    genesis: join(dataDir, 'genesis.json'),
    rollup: join(dataDir, 'rollup.json'),
    l1State: join(dataDir, 'l1-state.json'),
    sequencer: join(dataDir, 'sequencer'),
    verifier: join(dataDir, 'verifier'),
    indexer: join(dataDir, 'indexer'),
    worker: join(dataDir, 'worker'),
    payer: join(dataDir, 'payer'),
    /** Content-addressed store of the contributed texts. */
    content: join(dataDir, 'content'),
    /** Suffix indexes of the Datanets. */
    indexes: join(dataDir, 'indexes'),
    /** Files of the people of the community. */
    community: join(dataDir, 'community'),
    logs: join(dataDir, 'logs'),
    /** Held by the `openledger dev` that runs this chain. */
    lock: join(dataDir, 'lock'),
    /** Processes that run for this directory. */
    processes: join(dataDir, 'processes.json'),
  }
}

export type DevLayout = ReturnType<typeof devLayout>

/** Ports of a dev chain: a block of ten from `base`. */
export function devPorts(base: number) {
  return {
    l1: base,
    sequencerEth: base + 1,
    sequencerRollup: base + 2,
    verifierEth: base + 3,
    verifierRollup: base + 4,
    indexer: base + 5,
    proxy: base + 6,
    /** Hosts of the network of workers. */
    sequencerChecker: base + 7,
    verifierChecker: base + 8,
    worker: base + 9,
  }
}

export type DevPorts = ReturnType<typeof devPorts>

export const localUrl = (port: number, path = ''): string => `http://127.0.0.1:${port}${path}`
