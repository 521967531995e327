import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../../common/errors.ts'
import { asAddress, asCount, asText, asUrl, oneOf } from '../../common/flag-parsers.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { loadSigningKey } from '../../common/signing-key.ts'
import { buildGenesis, genesisFileText } from '../../genesis/build-genesis.ts'
import { deployConfigJson, parseDeployConfig } from '../../genesis/deploy-config.ts'
import { deployL1Contracts, type L1Start } from '../../genesis/deploy-l1.ts'
import { preset } from '../../genesis/presets.ts'
import { fixedHex, parseQuantity } from '../../protocol/bytes.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { allowsDevKeys } from '../dev-chains.ts'
import { readJsonFile } from '../files.ts'

const l1TimeoutMs = 30_000

export const command = defineCommand({
  summary:
    'Deploy config to genesis.json (op-geth) and rollup.json (op-node), the same bytes for the same input. With a deployer key it first deploys the L1 contracts; otherwise it takes their addresses. Presets 1612 and 161201 are proposals for a new chain with the published ids, not the live networks.',
  flags: {
    preset: {
      help: 'what the deploy config falls back to',
      value: 'dev|161201|1612',
      parse: oneOf('dev', '161201', '1612'),
      default: 'dev',
    },
    'deploy-config': { help: 'JSON file over the preset', value: 'FILE', parse: asText },
    outdir: { help: 'directory the files are written to', value: 'DIR', parse: asText },
    l1: { help: 'JSON-RPC of the L1, for its start block and the deployment', value: 'URL', parse: asUrl },
    'l1.start': {
      help: 'number of the L1 block the chain starts from; absent: that of the deployment',
      value: 'N',
      parse: asCount,
    },
    'l1.deployer-key': { help: 'deploys the L1 contracts', value: 'HEX', parse: asText, envOnly: true },
    'system-config': { help: 'SystemConfig on L1, where it is deployed already', value: 'ADDRESS', parse: asAddress },
    portal: { help: 'OptimismPortal on L1, where it is deployed already', value: 'ADDRESS', parse: asAddress },
    'open-bridge': { help: 'OPEN bridge on L1, where it is deployed already', value: 'ADDRESS', parse: asAddress },
  },
  run: async ({ flags, log, print }) => {
    const { outdir, l1 } = flags
    if (outdir === undefined) throw new UsageError('--outdir is required')
    if (l1 === undefined) throw new UsageError('--l1 is required: the chain starts from one of its blocks')
    const given = flags['deploy-config'] === undefined ? {} : readJsonFile(flags['deploy-config'], 'deploy-config')
    const config = parseDeployConfig(given, preset(flags.preset))
    const key = flags['l1.deployer-key']
    const deployment =
      key === undefined
        ? undefined
        : await deployL1Contracts({
            rpcUrl: l1,
            deployerKey: await loadSigningKey({
              purpose: 'deployer',
              privateKey: key,
              allowDevKeys: allowsDevKeys(config.l2ChainId),
            }),
            config,
            onProgress: (step) => log.info('L1 contracts', { step }),
          })
    const { 'system-config': systemConfig, portal: optimismPortal, 'open-bridge': openBridge } = flags
    const addresses =
      deployment?.addresses ??
      (systemConfig !== undefined && optimismPortal !== undefined && openBridge !== undefined
        ? { systemConfig, optimismPortal, openBridge }
        : undefined)
    if (addresses === undefined) {
      throw new UsageError(
        'set OPENLEDGER_L1_DEPLOYER_KEY to deploy the L1 contracts, or give --system-config, --portal and --open-bridge',
      )
    }
    const start = flags['l1.start'] === undefined ? deployment?.l1Start : await startBlock(l1, flags['l1.start'])
    if (start === undefined) throw new UsageError('--l1.start is required with contracts that are deployed already')
    const { genesis, rollup, rollupConfig } = await buildGenesis(config, start, addresses)
    mkdirSync(outdir, { recursive: true })
    writeFileSync(join(outdir, 'genesis.json'), genesisFileText(genesis))
    writeFileSync(join(outdir, 'rollup.json'), genesisFileText(rollup))
    writeFileSync(join(outdir, 'deploy-config.json'), genesisFileText(deployConfigJson(config)))
    print(`L2 genesis ${rollupConfig.genesis.l2.hash}`)
    return exitCodes.ok
  },
})

async function startBlock(url: string, number: number): Promise<L1Start> {
  const client = new HttpRpcClient({ url, timeoutMs: l1TimeoutMs })
  const block = (await client.request('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])) as Record<
    string,
    unknown
  > | null
  if (block === null) throw new UsageError(`--l1.start ${number}: L1 has no such block`)
  return {
    hash: fixedHex(block['hash'], 32, 'block hash'),
    number: BigInt(number),
    timestamp: parseQuantity(block['timestamp']),
  }
}
