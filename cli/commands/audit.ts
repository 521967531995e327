import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { KzgWorker } from '../../chain/tx/kzg.ts'
import { systemClock } from '../../common/clock.ts'
import { UsageError } from '../../common/errors.ts'
import { asDurationMs, asText, asUrl } from '../../common/flag-parsers.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import type { NodeOptions } from '../../node/node-options.ts'
import { type AuditReport, audit } from '../audit/audit.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { blockHashes } from '../dev/compare.ts'
import { readJsonFile, readRollupConfig } from '../files.ts'
import { chainFlags, l1Flags } from '../node-flags.ts'

export const command = defineCommand({
  summary:
    'Re-derives and re-executes the chain from L1 into its own directory and compares every block hash with another node, then sums all balances to the supply; the report is JSON on standard output. Exit code 1 at a difference. The same command resumes an audit that was cut off.',
  flags: {
    ...l1Flags,
    ...chainFlags,
    'l1.http-poll-interval': { ...l1Flags['l1.http-poll-interval'], parse: asDurationMs, default: '1s' },
    against: { help: 'JSON-RPC of the node that is compared', value: 'URL', parse: asUrl },
    datadir: { help: 'directory of the audit', value: 'DIR', parse: asText, default: '.openledger/audit' },
    report: { help: 'also write the report to this file', value: 'FILE', parse: asText },
  },
  run: async ({ flags, log, signal, print }) => {
    const { genesis, 'upgrade-transactions': upgrades } = flags
    const rollupConfig = readRollupConfig(flags)
    if (genesis === undefined) throw new UsageError('--genesis is required')
    // It takes seconds on a thread of its own: it begins before this one loads and opens the node.
    const kzg = new KzgWorker()
    if (flags['l1.beacon'] !== undefined) kzg.preload()
    const [{ startNode }, { l1Options }, { auditSupply }] = await Promise.all([
      import('../../node/node.ts'),
      import('./node.ts'),
      import('../audit/supply.ts'),
    ])
    const dataDir = resolve(flags.datadir)
    mkdirSync(dataDir, { recursive: true })
    const options: NodeOptions = {
      dataDir,
      rollupConfig,
      genesis: readJsonFile(genesis, 'genesis'),
      ...(upgrades === undefined ? {} : { upgradeTransactions: readJsonFile(upgrades, 'upgrade-transactions') }),
      l1: l1Options(flags, 0),
      engine: { kind: 'embedded', archive: false, rpc: { host: '127.0.0.1', port: 0 } },
      rpc: { host: '127.0.0.1', port: 0, enableAdmin: false },
      metrics: false,
    }
    const node = await startNode(options, { log: log.with({ component: 'audit' }), clock: systemClock, kzg })
    let compared: AuditReport
    try {
      const own = new HttpRpcClient({ url: `http://127.0.0.1:${node.ports.eth}`, timeoutMs: 10_000 })
      compared = await audit(
        {
          against: flags.against,
          progressFile: join(dataDir, 'audit.json'),
          blockTimeSeconds: Number(rollupConfig.blockTime),
          genesisNumber: rollupConfig.genesis.l2.number,
        },
        {
          node: {
            status: node.syncStatus,
            blockHashes: (numbers) => blockHashes(own, numbers),
            finished: node.finished,
          },
          clock: systemClock,
          signal,
          print: (line) => log.info(line),
        },
      )
    } finally {
      await node.stop()
    }
    const supply = await auditSupply(options, { log })
    const text = JSON.stringify({ ...compared, supply }, null, 2)
    if (flags.report !== undefined) writeFileSync(flags.report, `${text}\n`)
    print(text)
    return compared.result === 'different' || supply?.holds === false ? exitCodes.failed : exitCodes.ok
  },
})
