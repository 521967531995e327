/** Structured logs: constant words, values as fields. `error` is for what a person must act on. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Readonly<Record<string, unknown>>

export type Log = {
  readonly debug: (message: string, fields?: LogFields) => void
  readonly info: (message: string, fields?: LogFields) => void
  readonly warn: (message: string, fields?: LogFields) => void
  readonly error: (message: string, fields?: LogFields) => void
  /** The same sink with fields that every line carries, `component` by custom. */
  readonly with: (fields: LogFields) => Log
  /** Of this log and all that were made from it or with it. */
  readonly setLevel: (level: LogLevel) => void
}

export const logLevels = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[]

export type LogOptions = {
  readonly level: LogLevel
  /** `json`: one object a line. `text`: for a terminal. */
  readonly format: 'json' | 'text'
  readonly write: (line: string) => void
}

export function createLog(options: LogOptions): Log {
  return bind({ ...options }, {})
}

function bind(sink: { -readonly [Key in keyof LogOptions]: LogOptions[Key] }, bound: LogFields): Log {
  const emit =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (logLevels.indexOf(level) < logLevels.indexOf(sink.level)) return
      sink.write(`${format(sink.format, level, message, { ...bound, ...fields })}\n`)
    }
  return {
    debug: emit('debug'),
    info: emit('info'),
    warn: emit('warn'),
    error: emit('error'),
    with: (fields) => bind(sink, { ...bound, ...fields }),
    setLevel: (level) => {
      sink.level = level
    },
  }
}

/** Discards everything; for tests. */
export const silentLog: Log = createLog({ level: 'error', format: 'json', write: () => {} })

function format(kind: 'json' | 'text', level: LogLevel, message: string, fields: LogFields): string {
  const time = new Date().toISOString()
  if (kind === 'json') return JSON.stringify({ time, level, message, ...plain(fields) })
  const pairs = Object.entries(plain(fields)).map(([key, value]) => `${key}=${shown(value)}`)
  return [time.slice(11, 23), level.toUpperCase().padEnd(5), message, ...pairs].join(' ')
}

function plain(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, plainValue(value)]))
}

function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString()
  if (value instanceof Error)
    return value.cause === undefined ? value.message : `${value.message}: ${plainValue(value.cause)}`
  return value
}

function shown(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
