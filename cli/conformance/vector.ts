import { isDeepStrictEqual } from 'node:util'
import { errorMessage } from '../../common/errors.ts'

/** Runs the vectors of one schema. Which files it takes is decided by folder and fields, never by file name. */
export type VectorRunner = {
  readonly name: string
  /** True where `json`, found in a folder of that name, has this runner's schema. */
  matches(folder: string, json: unknown): boolean
  /** Reports one check a vector. */
  run(json: unknown, report: Report): Promise<void> | void
}

/** Collects the results of the vectors of one file. */
export class Report {
  passed = 0
  failed = 0
  readonly #file: string
  readonly #write: (line: string) => void
  #parent: Report | undefined

  constructor(file: string, write: (line: string) => void) {
    this.#file = file
    this.#write = write
  }

  /** Runs one vector: passed where `action` returns, failed with its message where it throws. */
  async check(caseName: string, action: () => void | Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      this.fail(caseName, errorMessage(error))
      return
    }
    this.#count('passed')
    this.#write(`pass ${this.#file} ${caseName}`)
  }

  /** Reports on a part of the file: its checks are named after it and count here. */
  within(part: string): Report {
    const report = new Report(`${this.#file} ${part}`, this.#write)
    report.#parent = this
    return report
  }

  /** Records a failure that has no action of its own, such as a case of unknown form. */
  fail(caseName: string, reason: string): void {
    this.#count('failed')
    this.#write(`FAIL ${this.#file} ${caseName}: ${shorten(reason.replaceAll('\n', ' '), 600)}`)
  }

  #count(result: 'passed' | 'failed'): void {
    this[result]++
    if (this.#parent !== undefined) this.#parent.#count(result)
  }
}

/** Throws, naming both values, where they are not deeply equal. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, expected)) throw new Error(`${what}: got ${show(actual)}, expected ${show(expected)}`)
}

/** Throws where `action` does not. */
export function expectThrows(action: () => unknown, what: string): void {
  let result: unknown
  try {
    result = action()
  } catch {
    return
  }
  throw new Error(`${what}: expected an error, got ${show(result)}`)
}

function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array) return shorten(`0x${Buffer.from(value).toString('hex')}`, 160)
  const text = JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner))
  return shorten(text ?? String(value), 160)
}

function shorten(text: string, lengthMax: number): string {
  return text.length > lengthMax ? `${text.slice(0, lengthMax)}...` : text
}
