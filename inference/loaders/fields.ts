import { LoadError } from './load-error.ts'

/** Named values of a foreign file: a JSON object, or the metadata of a GGUF. Readers name the file and the field in errors. */
export class Fields {
  readonly #what: string
  readonly #values: ReadonlyMap<string, unknown>

  constructor(what: string, values: ReadonlyMap<string, unknown>) {
    this.#what = what
    this.#values = values
  }

  static ofJson(what: string, text: string): Fields {
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch (cause) {
      throw new LoadError('file', `${what} is not JSON`, { cause })
    }
    return Fields.of(what, json)
  }

  static of(what: string, value: unknown): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new LoadError('file', `${what} is not an object`)
    }
    return new Fields(what, new Map(Object.entries(value)))
  }

  get names(): string[] {
    return [...this.#values.keys()]
  }

  /** Undefined where it is absent or null. */
  get(name: string): unknown {
    return this.#values.get(name) ?? undefined
  }

  /** Throws where it is absent and there is no `fallback`. */
  number(name: string, fallback?: number): number {
    const value = this.get(name) ?? fallback
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.#wrong(name, value, 'a number')
    return value
  }

  /** A whole number that is not negative. */
  count(name: string, fallback?: number): number {
    const value = this.number(name, fallback)
    if (!Number.isSafeInteger(value) || value < 0) throw this.#wrong(name, value, 'a count')
    return value
  }

  text(name: string, fallback?: string): string {
    const value = this.get(name) ?? fallback
    if (typeof value !== 'string') throw this.#wrong(name, value, 'a text')
    return value
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.get(name) ?? fallback
    if (typeof value !== 'boolean') throw this.#wrong(name, value, 'true or false')
    return value
  }

  list(name: string, fallback?: readonly unknown[]): readonly unknown[] {
    const value = this.get(name) ?? fallback
    if (!Array.isArray(value)) throw this.#wrong(name, value, 'a list')
    return value
  }

  object(name: string): Fields {
    return Fields.of(`${this.#what}: ${name}`, this.get(name))
  }

  /** Refuses fields whose value is another than the one the canonical model stands for; absent ones pass. */
  require(expected: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(expected)) {
      const given = this.get(name)
      if (given !== undefined && JSON.stringify(given) !== JSON.stringify(value)) {
        throw new LoadError(
          'unsupported',
          `${this.#what}: ${name} is ${short(given)}; only ${short(value)} is supported`,
        )
      }
    }
  }

  #wrong(name: string, value: unknown, expected: string): LoadError {
    const problem = value === undefined ? 'is missing' : `is ${short(value)}`
    return new LoadError('file', `${this.#what}: ${name} ${problem}, must be ${expected}`)
  }
}

function short(value: unknown): string {
  const text = JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
