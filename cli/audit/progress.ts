import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'

/** How far an audit compared, in a file of its own; replaced atomically. */
export class AuditProgress {
  readonly #file: string
  #comparedTo: bigint
  #saved: bigint

  private constructor(file: string, comparedTo: bigint) {
    this.#file = file
    this.#comparedTo = comparedTo
    this.#saved = comparedTo
  }

  /** Reads the file; where there is none the audit begins behind `genesisNumber`. Throws UsageError for a broken one. */
  static open(file: string, genesisNumber: bigint): AuditProgress {
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch {
      return new AuditProgress(file, genesisNumber)
    }
    const match = /^\{"comparedTo":"(\d+)"\}$/.exec(text)
    if (match === null) throw new UsageError(`${file} is damaged; remove it to compare from the beginning`)
    return new AuditProgress(file, BigInt(match[1] ?? '0'))
  }

  /** Number of the last block that was equal. */
  get comparedTo(): bigint {
    return this.#comparedTo
  }

  advance(number: bigint): void {
    this.#comparedTo = number
  }

  /** Writes it down where it changed. */
  save(): void {
    const number = this.#comparedTo
    if (number === this.#saved) return
    writeFileSync(`${this.#file}.new`, JSON.stringify({ comparedTo: String(number) }))
    renameSync(`${this.#file}.new`, this.#file)
    this.#saved = number
  }
}
