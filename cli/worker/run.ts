import { join } from 'node:path'
import { systemClock } from '../../common/clock.ts'
import { UsageError } from '../../common/errors.ts'
import { asCount, asDurationMs, asPositive, asText } from '../../common/flag-parsers.ts'
import type { FloatChoice } from '../../worker/backends/float-choice.ts'
import { WorkerError } from '../../worker/worker-error.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { asList, asUrlList } from './lists.ts'
import { listenFlags, processFlags, readProcess } from './process-flags.ts'

const mebibyte = 2 ** 20

export const run = defineCommand({
  summary:
    'Answers requests with the models of a folder: takes jobs over libp2p, signs answers and receipts, settles them in batches, shows what is asked for. Register the account first.',
  flags: {
    ...processFlags,
    indexes: {
      help: 'folder with suffix indexes of the models, each <id>.oli; absent: indexes in the data directory',
      value: 'DIR',
      parse: asText,
    },
    node: {
      help: 'rollup RPCs of nodes that take the data of batches',
      value: 'URL,…',
      parse: asUrlList,
      many: true,
      default: '',
    },
    ...listenFlags('0.0.0.0', 9223),
    'p2p.advertise.ip': {
      help: 'IP address that others dial; absent: the one it listens on',
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
    'jobs.queue': {
      help: 'requests that wait behind them; more are refused',
      value: 'N',
      parse: asCount,
      default: '32',
    },
    'batch.interval': {
      help: 'time that an answer waits for others before it is settled',
      value: 'DURATION',
      parse: asDurationMs,
      default: '60s',
    },
    'float.engine': {
      help: 'what answers requests of class FINGERPRINT: reference (our own, slow), llama, or the root of an OpenAI-compatible API that runs the model, and each adapter under its root as name',
      value: 'NAME|URL',
      parse: asText,
      default: 'reference',
    },
    'float.llama': {
      help: 'folder that scripts/get-llama.ts installed node-llama-cpp in, for --float.engine llama',
      value: 'DIR',
      parse: asText,
    },
    'float.model': { help: 'name of the model at that API', value: 'NAME', parse: asText },
    'float.threads': { help: 'threads of llama.cpp', value: 'N', parse: asPositive, default: '2' },
    'proofs.mb': { help: 'memory for proofs that are served', value: 'MIB', parse: asPositive, default: '256' },
  },
  run: async ({ flags, log, signal, print }) => {
    const process = await readProcess({ flags, signal }, 'whose worker?')
    // Loaded when it is known what is wanted: help and wrong flags need none of it.
    const { openWorker } = await import('../../worker/worker.ts')
    const worker = await openWorker(
      {
        ...{ ...process, indexDir: flags.indexes ?? join(process.dataDir, 'indexes'), nodes: flags.node },
        ...{ jobsMax: flags['jobs.max'], jobsWaitingMax: flags['jobs.queue'] },
        p2p: {
          listenIp: flags['p2p.listen.ip'],
          listenPort: flags['p2p.listen.tcp'],
          advertiseIp: flags['p2p.advertise.ip'],
          staticPeers: flags['p2p.static'],
        },
        batchIntervalSeconds: Math.ceil(flags['batch.interval'] / 1_000),
        proofBytesMax: flags['proofs.mb'] * mebibyte,
        float: floatChoice(flags, process.dataDir),
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

/** Throws UsageError for an engine that lacks what it needs. */
export function floatChoice(
  flags: {
    readonly 'float.engine': string
    readonly 'float.llama': string | undefined
    readonly 'float.model': string | undefined
    readonly 'float.threads': number
  },
  dataDir: string,
): FloatChoice {
  const engine = flags['float.engine']
  if (engine === 'reference') return { kind: 'reference' }
  if (engine === 'llama') {
    const prefix = flags['float.llama']
    if (prefix === undefined) throw new UsageError('--float.engine llama needs --float.llama')
    return { kind: 'llama', prefix, cache: join(dataDir, 'gguf'), threads: flags['float.threads'] }
  }
  if (!/^https?:\/\//.test(engine))
    throw new UsageError(`--float.engine ${engine} is neither reference, llama nor a URL`)
  const model = flags['float.model']
  if (model === undefined) throw new UsageError('--float.engine with a URL needs --float.model')
  return { kind: 'server', url: engine.replace(/\/$/, ''), model }
}
