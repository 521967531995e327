/** Measures one thing. Usage: npm run bench -- NAME [--quick] [--tampers N]. Prints the machine and, last, one line of JSON. */
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { errorMessage, UsageError } from '../../common/errors.ts'

type Options = {
  readonly quick: boolean
  /** Spoilt answers that `check` makes. */
  readonly tampers?: number
}

/** Loaded only when asked for: no bench pays for the imports of another. */
const benches: Readonly<Record<string, (options: Options) => Promise<object>>> = {
  derive: async (options) => (await import('./derive.ts')).benchDerive(options),
  audit: async (options) => (await import('./audit.ts')).benchAudit(options),
  engine: async (options) => (await import('./engine.ts')).benchEngine(options),
  memory: async (options) => (await import('./memory.ts')).benchMemory(options),
  'blocks-p2p': async (options) => (await import('./blocks-p2p.ts')).benchBlocksP2p(options),
  gas: async () => (await import('./gas.ts')).benchGas(),
  epoch: async (options) => (await import('./epoch.ts')).benchEpoch(options),
  indexer: async (options) => (await import('./indexer.ts')).benchIndexer(options),
  inference: async (options) => (await import('./inference.ts')).benchInference(options),
  check: async (options) => (await import('./check.ts')).benchCheck(options),
  'check-import': async (options) => (await import('./check-import.ts')).benchCheckImport(options),
  suffix: async (options) => (await import('./suffix.ts')).benchSuffix(options),
  farming: async () => (await import('./farming.ts')).benchFarming(),
  retrieval: async (options) => (await import('./retrieval.ts')).benchRetrieval(options),
  train: async (options) => (await import('./train.ts')).benchTrain(options),
  influence: async (options) => (await import('./influence.ts')).benchInfluence(options),
  'attribution-quality': async (options) => (await import('./attribution-quality.ts')).benchQuality(options),
  workers: async (options) => (await import('./workers.ts')).benchWorkers(options),
}

try {
  const { name, options } = parse(process.argv.slice(2))
  const [cpu] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  process.stdout.write(
    `machine: ${cpus().length} × ${cpu?.model ?? 'unknown'}, ${memory} GiB, Node ${process.version}\n`,
  )
  const result = await bench(name)(options)
  process.stdout.write(`${JSON.stringify({ bench: name, ...result })}\n`)
} catch (error) {
  process.stderr.write(`${errorMessage(error)}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}

function parse(args: string[]): { readonly name: string; readonly options: Options } {
  let parsed: {
    readonly positionals: string[]
    readonly values: { readonly quick?: boolean; readonly tampers?: string }
  }
  try {
    const options = { quick: { type: 'boolean' }, tampers: { type: 'string' } } as const
    parsed = parseArgs({ args, allowPositionals: true, options })
  } catch (error) {
    throw new UsageError(`${errorMessage(error)}\n${usage()}`)
  }
  const [name, ...others] = parsed.positionals
  if (name === undefined || others.length > 0) throw new UsageError(usage())
  const { quick = false, tampers } = parsed.values
  if (tampers === undefined) return { name, options: { quick } }
  if (name !== 'check' || !/^[1-9][0-9]{0,7}$/.test(tampers)) throw new UsageError(usage())
  return { name, options: { quick, tampers: Number(tampers) } }
}

function bench(name: string) {
  const found = Object.hasOwn(benches, name) ? benches[name] : undefined
  if (found === undefined) throw new UsageError(`there is no bench ${name}\n${usage()}`)
  return found
}

function usage(): string {
  return `usage: npm run bench -- NAME [--quick], where NAME is one of: ${Object.keys(benches).join(', ')}; check takes --tampers N`
}
