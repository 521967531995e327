import '../common/polyfill.ts'
import { setMaxListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { CodedError, errorMessage, UsageError } from '../common/errors.ts'
import { asText, oneOf } from '../common/flag-parsers.ts'
import { type FlagTable, flagHelp, parseFlags } from '../common/flags.ts'
import { createLog } from '../common/log.ts'
import { type Command, type CommandGroup, exitCodes } from './command.ts'
import { commandSummaries, loadCommand } from './commands.ts'

/** Flags every command has. */
export const commonFlags = {
  config: { help: 'JSON file with values for the flags below, by name', value: 'FILE', parse: asText },
  'log.level': {
    help: 'least severe line that is written',
    value: 'debug|info|warn|error',
    parse: oneOf('debug', 'info', 'warn', 'error'),
    default: 'info',
  },
  'log.format': {
    help: 'json: one object a line; text: for reading; auto: text on a terminal',
    value: 'json|text|auto',
    parse: oneOf('json', 'text', 'auto'),
    default: 'auto',
  },
} as const satisfies FlagTable

/** Runs one command line; resolves to the exit code. Errors are printed as one line, never as a stack trace. */
export async function main(argv: readonly string[]): Promise<number> {
  const [name = '', ...rest] = argv
  try {
    if (name === '' || name === '--help' || name === 'help' || name === '-h')
      return print(overview(), name === '' ? exitCodes.usage : exitCodes.ok)
    if (name === '--version') return print(version(), exitCodes.ok)
    const command = await loadCommand(name)
    return 'actions' in command ? await runGroup(name, command, rest) : await runOne(name, command, rest)
  } catch (error) {
    const code = error instanceof CodedError ? ` (${error.code})` : ''
    process.stderr.write(`openledger${error instanceof UsageError ? '' : code}: ${errorMessage(error)}\n`)
    if (process.env['OPENLEDGER_STACK'] === '1' && error instanceof Error) process.stderr.write(`${error.stack}\n`)
    return error instanceof UsageError ? exitCodes.usage : exitCodes.error
  }
}

/** The help page of one command, from its flag table. */
export function commandHelp(name: string, command: Command): string {
  return [ownHelp(name, command), ...sharedHelp(command)].join('\n')
}

/** What is a command's alone. */
export function ownHelp(name: string, command: Command): string {
  const positionals = command.positionals === '' ? '' : ` ${command.positionals}`
  const own = flagHelp(command.flags)
  const flags = own.length === 0 ? [] : ['', 'Flags:', ...own]
  return [`openledger ${name}${positionals} [flags]`, '', command.summary, ...flags].join('\n')
}

/** The flags that it has in common with others. */
export function sharedHelp({ shared }: Pick<Command, 'shared'>): string[] {
  return [
    ...(shared === undefined ? [] : ['', 'Chain and key:', ...flagHelp(shared)]),
    '',
    'Common flags:',
    ...flagHelp(commonFlags),
    '',
    'Each flag may also be set as OPENLEDGER_ and its name in capitals, dots and dashes as underscores.',
  ]
}

/** The help page of a group: a line an action. */
export function groupHelp(name: string, { summary, actions }: CommandGroup): string {
  const width = Math.max(...Object.keys(actions).map((action) => action.length))
  return [
    `openledger ${name} ACTION [flags]`,
    '',
    summary,
    '',
    ...Object.entries(actions).map(
      ([action, command]) => `  ${action.padEnd(width)}  ${firstSentence(command.summary)}`,
    ),
    '',
    `openledger ${name} ACTION --help shows the flags of an action.`,
  ].join('\n')
}

async function runGroup(name: string, group: CommandGroup, argv: readonly string[]): Promise<number> {
  const [action = '', ...rest] = argv
  if (action === '' || action === '--help' || action === '-h') {
    return print(groupHelp(name, group), action === '' ? exitCodes.usage : exitCodes.ok)
  }
  const command = Object.hasOwn(group.actions, action) ? group.actions[action] : undefined
  if (command === undefined)
    throw new UsageError(`${name} has no action ${action}; openledger ${name} --help lists them`)
  return await runOne(`${name} ${action}`, command, rest)
}

async function runOne(name: string, command: Command, argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) return print(commandHelp(name, command), exitCodes.ok)
  return await runCommand(command, argv)
}

async function runCommand(command: Command, argv: readonly string[]): Promise<number> {
  const table = { ...command.flags, ...command.shared, ...commonFlags }
  const configFile = parseFlags(table, { argv, env: process.env }).values.config
  const config = configFile === undefined ? undefined : readConfig(String(configFile))
  const { values, positionals, given } = parseFlags(table, {
    argv,
    env: process.env,
    ...(config === undefined ? {} : { config }),
  })
  if (positionals.length > command.positionalsMax)
    throw new UsageError(`unexpected argument ${positionals[command.positionalsMax]}`)
  const { 'log.level': level, 'log.format': format } = values as {
    'log.level': 'info'
    'log.format': 'auto' | 'json' | 'text'
  }
  const log = createLog({
    level,
    format: format === 'auto' ? (process.stderr.isTTY ? 'text' : 'json') : format,
    write: (line) => void process.stderr.write(line),
  })
  const stop = new AbortController()
  // Everything that waits listens to this one signal; there is no leak to warn of.
  setMaxListeners(0, stop.signal)
  const onSignal = () => stop.abort()
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  try {
    return await command.run({
      flags: values,
      given,
      positionals,
      env: process.env,
      log,
      signal: stop.signal,
      print: (line) => void process.stdout.write(`${line}\n`),
    })
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

function overview(): string {
  const width = Math.max(...Object.keys(commandSummaries).map((name) => name.length))
  return [
    'openledger: a rollup node, execution engine and indexer for a payable-AI L2',
    '',
    'Usage: openledger COMMAND [flags]',
    '',
    ...Object.entries(commandSummaries).map(([name, summary]) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'openledger COMMAND --help shows the flags of a command.',
  ].join('\n')
}

function firstSentence(text: string): string {
  const end = text.search(/[.;](?: |$)/)
  return end === -1 ? text : text.slice(0, end)
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

function readConfig(path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (cause) {
    throw new UsageError(`--config ${path} cannot be read as JSON`, { cause })
  }
  throw new UsageError(`--config ${path} must hold a JSON object of flag names and values`)
}

function print(text: string, code: number): number {
  process.stdout.write(`${text}\n`)
  return code
}
