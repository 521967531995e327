import { Level } from 'level'
import { CodedError, errorMessage } from '../../common/errors.ts'
import type { BlockId } from '../../protocol/block-ref.ts'
import { bytesToBigint, bytesToHex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'

export type SafeHeadAtL1 = { readonly l1: BlockId; readonly safe: BlockId }

/**
 * Which L2 block was safe after which L1 block. Key: L1 number u64; value: L1 hash ‖ L2 hash ‖ L2 number u64.
 * It answers `optimism_safeHeadAtL1Block`; nothing else depends on it.
 */
export class SafeDb {
  readonly #db: Level<Uint8Array, Uint8Array>

  private constructor(db: Level<Uint8Array, Uint8Array>) {
    this.#db = db
  }

  static async open(path: string): Promise<SafeDb> {
    const db = new Level<Uint8Array, Uint8Array>(path, { keyEncoding: 'view', valueEncoding: 'view' })
    try {
      await db.open()
    } catch (cause) {
      throw new SafeDbError('unusable', `the safe-head database ${path} cannot be opened: ${errorMessage(cause)}`, {
        cause,
      })
    }
    return new SafeDb(db)
  }

  /** `safe` became safe with the data of `l1`; what was recorded for later L1 blocks was of another chain. */
  async update(l1: BlockId, safe: BlockId): Promise<void> {
    await this.#db.clear({ gt: key(l1.number) })
    await this.#db.put(
      key(l1.number),
      Buffer.concat([hexToBytes(l1.hash), hexToBytes(safe.hash), uintBytes(safe.number, 8)]),
    )
  }

  /** After a reset: forgets every L1 block whose safe head is above `safe`. They are recorded again as they are derived. */
  async truncate(safe: BlockId): Promise<void> {
    for await (const [at, value] of this.#db.iterator({ reverse: true })) {
      if (decode(at, value).safe.number <= safe.number) return
      await this.#db.del(at)
    }
  }

  /** The safe head after that L1 block was read; undefined before the first record. */
  async safeHeadAt(l1Number: bigint): Promise<SafeHeadAtL1 | undefined> {
    for await (const [at, value] of this.#db.iterator({ lte: key(l1Number), reverse: true, limit: 1 })) {
      return decode(at, value)
    }
    return undefined
  }

  async close(): Promise<void> {
    await this.#db.close()
  }
}

export class SafeDbError extends CodedError<'unusable'> {}

const key = (l1Number: bigint) => uintBytes(l1Number, 8)

function decode(at: Uint8Array, value: Uint8Array): SafeHeadAtL1 {
  return {
    l1: { number: bytesToBigint(at), hash: bytesToHex(value.subarray(0, 32)) },
    safe: { number: bytesToBigint(value.subarray(64, 72)), hash: bytesToHex(value.subarray(32, 64)) },
  }
}
