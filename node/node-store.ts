import { join } from 'node:path'
import { Level } from 'level'
import { CodedError, errorMessage } from '../common/errors.ts'

/** `in-use`: another process has the directory. `unusable`: it cannot be opened; the message says why. */
export class NodeStoreError extends CodedError<'in-use' | 'unusable'> {}

/**
 * What the node itself remembers over restarts, and the lock of its data directory: the operating system frees the
 * database's lock when a process ends, however it ends, so a killed node leaves nothing behind that blocks the next.
 */
export class NodeStore {
  readonly #db: Level<string, string>

  private constructor(db: Level<string, string>) {
    this.#db = db
  }

  static async open(dataDir: string): Promise<NodeStore> {
    const db = new Level<string, string>(join(dataDir, 'node'))
    try {
      await db.open()
    } catch (cause) {
      if (hasCode(cause, 'LEVEL_LOCKED')) {
        throw new NodeStoreError('in-use', `another process uses the data directory ${dataDir}; stop it first`, {
          cause,
        })
      }
      throw new NodeStoreError('unusable', `the data directory ${dataDir} cannot be opened: ${errorMessage(cause)}`, {
        cause,
      })
    }
    return new NodeStore(db)
  }

  /** Whether the sequencer was told to build; undefined where nobody ever said. */
  async sequencerActive(): Promise<boolean | undefined> {
    const value: string | undefined = await this.#db.get('sequencer-active')
    return value === undefined ? undefined : value === 'true'
  }

  async setSequencerActive(active: boolean): Promise<void> {
    await this.#db.put('sequencer-active', String(active), { sync: true })
  }

  async close(): Promise<void> {
    await this.#db.close()
  }
}

function hasCode(error: unknown, code: string): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === code) || hasCode(error.cause, code)
}
