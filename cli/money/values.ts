/** Wei, shown as OPEN; in JSON as the number of wei. */
export class Amount {
  readonly wei: bigint

  constructor(wei: bigint) {
    this.wei = wei
  }

  toString(): string {
    return `${formatOpen(this.wei)} OPEN`
  }

  toJSON(): string {
    return String(this.wei)
  }
}

/** Unix seconds, shown as a date; zero is never. */
export class Time {
  readonly seconds: bigint

  constructor(seconds: bigint) {
    this.seconds = seconds
  }

  toString(): string {
    if (this.seconds === 0n) return 'never'
    if (this.seconds > lastDateSeconds) return `second ${this.seconds}`
    return `${new Date(Number(this.seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`
  }

  toJSON(): string {
    return String(this.seconds)
  }
}

/** Of the year 9999, the last that a date shows. */
const lastDateSeconds = 253_402_300_799n

const decimals = 18

/** Exact: no digit is rounded away. */
export function formatOpen(wei: bigint): string {
  const digits = (wei < 0n ? -wei : wei).toString().padStart(decimals + 1, '0')
  const fraction = digits.slice(-decimals).replace(/0+$/, '')
  return `${wei < 0n ? '-' : ''}${digits.slice(0, -decimals)}${fraction === '' ? '' : `.${fraction}`}`
}

/** `1.5`: OPEN, all 18 decimals; `150wei`: wei. Undefined for what is neither. */
export function parseOpen(text: string): bigint | undefined {
  const wei = /^(\d{1,39})\s?wei$/.exec(text)
  if (wei !== null) return BigInt(wei[1] ?? '')
  const open = /^(\d{1,21})(?:\.(\d{1,18}))?$/.exec(text)
  if (open === null) return undefined
  return BigInt(`${open[1]}${(open[2] ?? '').padEnd(decimals, '0')}`)
}

/** As JSON, with bigints as decimal strings. */
export function toJson(value: unknown, space?: number): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each), space)
}

/** Lines for reading: a field a line, lists and objects indented below. */
export function toLines(value: unknown, indent = ''): string[] {
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${indent}none`]
    return value.flatMap((each: unknown) => {
      const [first = '', ...rest] = isPlain(each) || Array.isArray(each) ? toLines(each, `${indent}  `) : [String(each)]
      return [`${indent}- ${first.trimStart()}`, ...rest]
    })
  }
  if (!isPlain(value)) return [`${indent}${String(value)}`]
  const fields = Object.entries(value)
  const width = Math.max(0, ...fields.map(([name]) => name.length))
  return fields.flatMap(([name, each]) => {
    const isNested = isPlain(each) || (Array.isArray(each) && each.length > 0)
    if (isNested) return [`${indent}${name}`, ...toLines(each, `${indent}  `)]
    return [`${indent}${name.padEnd(width)}  ${Array.isArray(each) ? 'none' : String(each)}`]
  })
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
