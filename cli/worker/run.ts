import { resolve } from 'node:path'
import { systemClock } from '../../common/clock.ts'
import { UsageError } from '../../common/errors.ts'
import { asDurationMs, asHttpUrls, asPort, asPositive, asText, asUrl } from '../../common/flag-parsers.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { bytesToHex, parseQuantity } from '../../protocol/bytes.ts'
import { WorkerError } from '../../worker/worker-error.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { keyFlags } from '../money/money-flags.ts'
import { asList } from './lists.ts'

const rpcTimeoutMs = 20_000
const mebibyte = 2 ** 20

export const run = defineCommand({
  summary:
    'Answers requests with the models of a folder: takes jobs over libp2p, signs answers and receipts, settles them in batches, shows what is asked for. Register the account first.',
  flags: {
    datadir: { help: 'directory of what the worker answered; of this worker alone', value: 'DIR', parse: asText },
    l2: { help: 'eth_ JSON-RPC of a node of the L2', value: 'URL', parse: asUrl },
    models: { help: 'folders with model files (.olm) and adapters (.ola)', value: 'DIR,…', parse: asList, many: true },
    indexes: { help: 'folder with suffix indexes (.oli) of the models', value: 'DIR', parse: asText },
    node: {
      help: 'rollup RPCs of nodes that take the data of batches',
      value: 'URL,…',
      parse: asHttpUrls,
      many: true,
      default: '',
    },
    'p2p.listen.ip': {
      help: 'address of the host in the network of workers',
      value: 'IP',
      parse: asText,
      default: '0.0.0.0',
    },
    'p2p.listen.tcp': { help: 'its TCP port; 0: any free one', value: 'PORT', parse: asPort, default: '9223' },
    'p2p.advertise.ip': {
      help: 'IPv4 address that others dial; absent: the one it listens on',
      value: 'IP',
      parse: asText,
    },
    'p2p.static': {
      help: 'checkers and workers to stay connected to: multiaddrs ending in /p2p/PEER_ID',
      value: 'MULTIADDR,…',
      parse: asList,
      many: true,
      default: '',
    },
    'jobs.max': { help: 'requests answered at once', value: 'N', parse: asPositive, default: '8' },
    'batch.interval': {
      help: 'time that an answer waits for others before it is settled',
      value: 'DURATION',
      parse: asDurationMs,
      default: '60s',
    },
    'proofs.mb': { help: 'memory for proofs that are served', value: 'MIB', parse: asPositive, default: '256' },
    ...keyFlags,
  },
  run: async ({ flags, log, signal, print }) => {
    const { datadir, l2, models } = flags
    if (datadir === undefined) throw new UsageError('--datadir is required')
    if (l2 === undefined) throw new UsageError('--l2 is required')
    if (models === undefined) throw new UsageError('--models is required')
    // Loaded when it is known what is wanted: help and wrong flags need none of it.
    const [{ openWorker }, { readKey }] = await Promise.all([
      import('../../worker/worker.ts'),
      import('../money/chain.ts'),
    ])
    const chainId = parseQuantity(
      await new HttpRpcClient({ url: l2, timeoutMs: rpcTimeoutMs, signal }).request('eth_chainId'),
    )
    const key = await readKey(flags, chainId)
    if (key === undefined) {
      throw new UsageError('whose worker? Set OPENLEDGER_PRIVATE_KEY, or give --keystore or --dev-account')
    }
    const worker = await openWorker(
      {
        ...{ dataDir: resolve(datadir), l2Url: l2, privateKey: bytesToHex(key), modelDirs: models },
        ...{ indexDir: flags.indexes, nodes: flags.node, jobsMax: flags['jobs.max'] },
        p2p: {
          listenIp: flags['p2p.listen.ip'],
          listenPort: flags['p2p.listen.tcp'],
          advertiseIp: flags['p2p.advertise.ip'],
          staticPeers: flags['p2p.static'],
        },
        batchIntervalSeconds: Math.ceil(flags['batch.interval'] / 1_000),
        proofBytesMax: flags['proofs.mb'] * mebibyte,
      },
      { clock: systemClock, log },
    ).catch((error: unknown) => {
      throw error instanceof WorkerError ? new UsageError(error.message) : error
    })
    try {
      for (const address of worker.addresses()) print(`worker ${worker.address} at ${address}`)
      await worker.run(signal)
    } finally {
      await worker.close()
    }
    return exitCodes.ok
  },
})
