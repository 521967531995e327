import { resolve } from 'node:path'
import { UsageError } from '../../common/errors.ts'
import { asPort, asPositive, asSwitch, asText, asUrl } from '../../common/flag-parsers.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { runDev } from '../dev/run.ts'

export const command = defineCommand({
  summary:
    'Runs a whole chain on this machine: an L1, a sequencer with batcher, proposer, attributor and watcher, a second node that sees only L1 and watches too, and the indexer; seeds Datanets. A worker answers questions with the shipped model, an endpoint pays it, both nodes check the answers, and an epoch a minute pays who is behind them. Ctrl-C stops it, a second start resumes it.',
  flags: {
    datadir: { help: 'directory of the chain', value: 'DIR', parse: asText, default: '.openledger/dev' },
    once: { help: 'check everything once, print a table and exit', parse: asSwitch, default: 'false' },
    bare: {
      help: 'the chain and its Datanets alone: no model, worker or questions',
      parse: asSwitch,
      default: 'false',
    },
    'quick-governance': {
      help: "a new chain's votes last 12 s and its Timelock waits 2 s, not the documented fortnight and day; gov status names the drift",
      parse: asSwitch,
      default: 'false',
    },
    'port-base': { help: 'first of ten ports', value: 'PORT', parse: asPort, default: '8545' },
    l1: { help: 'JSON-RPC of an L1 that runs elsewhere; absent: anvil', value: 'URL', parse: asUrl },
    'l1.beacon': { help: 'its beacon API', value: 'URL', parse: asUrl },
    'l1.block-time': { help: 'seconds between L1 blocks', value: 'SECONDS', parse: asPositive, default: '2' },
  },
  run: async ({ flags, log, signal, print }) => {
    const { l1, 'l1.beacon': beacon } = flags
    if ((l1 === undefined) !== (beacon === undefined)) throw new UsageError('--l1 and --l1.beacon belong together')
    await runDev(
      {
        dataDir: resolve(flags.datadir),
        portBase: flags['port-base'],
        once: flags.once,
        bare: flags.bare,
        quickGovernance: flags['quick-governance'],
        l1: l1 === undefined || beacon === undefined ? undefined : { url: l1, beaconUrl: beacon },
        l1BlockTimeSeconds: flags['l1.block-time'],
      },
      { log, signal, print },
    )
    return exitCodes.ok
  },
})
