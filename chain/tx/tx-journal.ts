import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { removeFile, writeFileAtomic } from '../../common/atomic-file.ts'
import { CodedError } from '../../common/errors.ts'
import { fixedHex, type Hex } from '../../protocol/bytes.ts'
import type { TxFees, TxKind } from './tx-fees.ts'

/** A transaction on its way, or mined and not yet forgotten by its owner. */
export type JournalEntry = {
  /** The owner's name for it: what is submitted twice under one key is sent once. */
  readonly key: string
  readonly nonce: bigint
  readonly kind: TxKind
  /** All that was ever signed with this nonce, oldest first; any of them may be mined. */
  readonly attempts: readonly { readonly hash: Hex; readonly fees: TxFees }[]
}

/** `corrupt`: a file that this program did not write; a person must look. */
export class JournalError extends CodedError<'corrupt'> {}

/**
 * Transactions on disk, written before they are sent: after a kill at any moment it is known what may be on L1, and
 * nothing is posted twice. One JSON file a transaction, and the raw bytes of its last attempt.
 */
export class TxJournal {
  readonly #directory: string
  readonly #byKey = new Map<string, JournalEntry>()

  private constructor(directory: string) {
    this.#directory = directory
  }

  /** Opens or makes the directory. Throws {@link JournalError}. */
  static async open(directory: string): Promise<TxJournal> {
    await mkdir(directory, { recursive: true })
    const journal = new TxJournal(directory)
    await journal.#load()
    return journal
  }

  /** All entries in the order of their nonces. */
  entries(): readonly JournalEntry[] {
    return [...this.#byKey.values()].toSorted((a, b) => (a.nonce < b.nonce ? -1 : 1))
  }

  byKey(key: string): JournalEntry | undefined {
    return this.#byKey.get(key)
  }

  /** Keeps an entry whose last attempt has the bytes `raw`. On disk when it resolves. */
  async save(entry: JournalEntry, raw: Uint8Array): Promise<void> {
    const last = lastAttempt(entry)
    await writeFileAtomic(this.#rawPath(last.hash), raw)
    await writeFileAtomic(this.#entryPath(entry.nonce), JSON.stringify(entry, bigintsAsText))
    this.#byKey.set(entry.key, entry)
    for (const { hash } of entry.attempts) if (hash !== last.hash) await removeFile(this.#rawPath(hash))
  }

  /** The bytes of the last attempt. */
  async raw(entry: JournalEntry): Promise<Uint8Array> {
    return readFile(this.#rawPath(lastAttempt(entry).hash))
  }

  async remove(key: string): Promise<void> {
    const entry = this.#byKey.get(key)
    if (entry === undefined) return
    this.#byKey.delete(key)
    // The entry first: bytes without an entry are swept at the next start, an entry without bytes cannot be sent.
    await removeFile(this.#entryPath(entry.nonce))
    await removeFile(this.#rawPath(lastAttempt(entry).hash))
  }

  async #load(): Promise<void> {
    const names = await readdir(this.#directory)
    for (const name of names.filter((name) => name.endsWith('.json'))) {
      const path = join(this.#directory, name)
      try {
        const entry = parseEntry(JSON.parse(await readFile(path, 'utf8')))
        this.#byKey.set(entry.key, entry)
      } catch (cause) {
        throw new JournalError('corrupt', `the transaction journal ${path} cannot be read`, { cause })
      }
    }
    const live = new Set(this.entries().map((entry) => `${lastAttempt(entry).hash}.raw`))
    for (const name of names) {
      const isStray = name.endsWith('.tmp') || (name.endsWith('.raw') && !live.has(name))
      if (isStray) await removeFile(join(this.#directory, name))
    }
  }

  #entryPath(nonce: bigint): string {
    return join(this.#directory, `${nonce.toString().padStart(12, '0')}.json`)
  }

  #rawPath(hash: Hex): string {
    return join(this.#directory, `${hash}.raw`)
  }
}

/** The newest attempt; an entry has at least one. */
export function lastAttempt(entry: JournalEntry): { readonly hash: Hex; readonly fees: TxFees } {
  const last = entry.attempts.at(-1)
  if (last === undefined) throw new Error('a journal entry without attempts')
  return last
}

function bigintsAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}

function parseEntry(json: unknown): JournalEntry {
  const attempts = field(json, 'attempts')
  const key = field(json, 'key')
  const kind = field(json, 'kind')
  if (!Array.isArray(attempts) || attempts.length === 0) throw new Error('no attempts')
  if (typeof key !== 'string' || (kind !== 'blob' && kind !== 'call')) throw new Error('no key or kind')
  return {
    key,
    kind,
    nonce: integer(field(json, 'nonce')),
    attempts: attempts.map((attempt) => {
      const fees = field(attempt, 'fees')
      const blobFeeCap = field(fees, 'blobFeeCap')
      return {
        hash: fixedHex(field(attempt, 'hash'), 32, 'transaction hash'),
        fees: {
          tip: integer(field(fees, 'tip')),
          feeCap: integer(field(fees, 'feeCap')),
          ...(blobFeeCap === undefined ? {} : { blobFeeCap: integer(blobFeeCap) }),
        },
      }
    }),
  }
}

function integer(value: unknown): bigint {
  if (typeof value !== 'string' || !/^[0-9]{1,78}$/.test(value)) throw new Error('not an integer')
  return BigInt(value)
}

function field(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null ? Reflect.get(json, name) : undefined
}
