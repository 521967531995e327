import { UsageError } from './errors.ts'

/**
 * A flag is one row: its name (the table's key), what its value is, how it is parsed, its default.
 * The environment name, `--help`, the docs page and the value's type follow from the row.
 */
export type Flag<T> = {
  readonly help: string
  /** Shown as `--name VALUE`; a flag without it is a switch. */
  readonly value?: string
  readonly parse: (text: string) => T
  readonly default?: string
  /** May be given several times or comma-separated; the parser sees the comma-joined text. */
  readonly many?: boolean
  /** A secret may come from a file or the environment only, never from argv. */
  readonly envOnly?: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: the table's rows differ in T; FlagValues recovers each.
export type FlagTable = Readonly<Record<string, Flag<any>>>

/** The typed values of a table: `undefined` where a flag has neither value nor default. */
export type FlagValues<Table extends FlagTable> = {
  readonly [Name in keyof Table]: Table[Name] extends { default: string }
    ? ReturnType<Table[Name]['parse']>
    : ReturnType<Table[Name]['parse']> | undefined
}

export type FlagSources = {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Values of a config file, by flag name. */
  readonly config?: Readonly<Record<string, unknown>>
}

export type ParsedFlags<Table extends FlagTable> = {
  readonly values: FlagValues<Table>
  readonly positionals: readonly string[]
  /** Names that were given by argv, environment or file (not by default). */
  readonly given: ReadonlySet<string>
}

/** `--l1.beacon` is `OPENLEDGER_L1_BEACON` in the environment. */
export function envName(flag: string): string {
  return `OPENLEDGER_${flag.replaceAll(/[.-]/g, '_').toUpperCase()}`
}

/** argv beats environment beats config file beats default. Throws {@link UsageError} naming the flag. */
export function parseFlags<Table extends FlagTable>(table: Table, sources: FlagSources): ParsedFlags<Table> {
  const { texts, positionals } = readArgv(table, sources.argv)
  for (const name of Object.keys(sources.config ?? {})) {
    if (!Object.hasOwn(table, name)) throw new UsageError(`the config file has no such option: ${name}`)
  }
  const given = new Set<string>()
  const values: Record<string, unknown> = {}
  for (const [name, flag] of Object.entries(table)) {
    const text = texts.get(name) ?? nonEmpty(sources.env[envName(name)]) ?? configText(name, sources.config?.[name])
    if (text !== undefined) given.add(name)
    values[name] = parseOne(name, flag, text ?? flag.default)
  }
  // The loop set one value a row, each by the row's own parser.
  return { values: values as FlagValues<Table>, positionals, given }
}

/** Help lines of a table, for `--help` and the docs page. */
export function flagHelp(table: FlagTable): string[] {
  return Object.entries(table).flatMap(([name, flag]) => {
    const head = flag.envOnly === true ? envName(name) : `--${name}${flag.value === undefined ? '' : ` ${flag.value}`}`
    const fallback = flag.default === undefined || flag.value === undefined ? '' : ` (default ${flag.default || "''"})`
    return [`  ${head}`, `      ${flag.help}${fallback}`]
  })
}

function readArgv(table: FlagTable, argv: readonly string[]) {
  const texts = new Map<string, string>()
  const positionals: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ''
    if (word === '--') {
      positionals.push(...argv.slice(i + 1))
      break
    }
    if (!word.startsWith('--')) {
      positionals.push(word)
      continue
    }
    const [name = '', inline] = split(word.slice(2))
    const flag = Object.hasOwn(table, name) ? table[name] : undefined
    if (flag === undefined) throw new UsageError(`unknown flag --${name}${suggestion(name, Object.keys(table))}`)
    if (flag.envOnly === true) throw new UsageError(`--${name} is a secret: set ${envName(name)} instead`)
    let text = inline
    if (text === undefined && flag.value === undefined) text = 'true'
    if (text === undefined) {
      const next = argv[i + 1]
      if (next === undefined) throw new UsageError(`--${name} needs a value: ${flag.value}`)
      text = next
      i++
    }
    const before = texts.get(name)
    if (before !== undefined && flag.many !== true) throw new UsageError(`--${name} is given twice`)
    texts.set(name, before === undefined ? text : `${before},${text}`)
  }
  return { texts, positionals }
}

function parseOne(name: string, flag: Flag<unknown>, text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return flag.parse(text)
  } catch (cause) {
    const shown = flag.envOnly === true ? '' : ` ${JSON.stringify(text)}`
    throw new UsageError(`--${name}${shown}: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

function split(word: string): [string, string | undefined] {
  const at = word.indexOf('=')
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
}

function configText(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value)) return value.map(String).join(',')
  if (typeof value === 'object') throw new UsageError(`the config file's ${name} must be a string, number or list`)
  return String(value)
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

function suggestion(name: string, names: readonly string[]): string {
  const near = names.find((other) => other.replaceAll(/[.-]/g, '') === name.replaceAll(/[.-]/g, '').toLowerCase())
  const starts = near ?? names.find((other) => name.length > 2 && other.startsWith(name))
  return starts === undefined ? '; --help lists them' : `; did you mean --${starts}?`
}
