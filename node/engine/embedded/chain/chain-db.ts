import { Level } from 'level'
import { bytesToBigint, bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../../../protocol/bytes.ts'
import { decodeHeader, encodeHeader, type Header } from '../../../../protocol/header.ts'
import { asBytes, asList, rlpDecode, rlpEncode } from '../../../../protocol/rlp.ts'
import type { SealedBlock } from '../block/seal.ts'
import type { StoredReceipt, TransactionLocation } from '../chain-view.ts'
import type { NodePlace, StateDiff, StateStore } from '../state/state-store.ts'
import { keys } from './keys.ts'
import { decodeReceipts, encodeReceipts } from './receipt-codec.ts'

/** One write of a batch. */
export type Write =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array }

type Db = Level<Uint8Array, Uint8Array>

/**
 * The chain's database: blocks, receipts, indexes, trie nodes, code. Reads are synchronous, which level serves ten times
 * faster than promises. A batch is atomic. It is not fsynced: a killed process loses nothing, since the kernel has the
 * bytes; a power cut may lose the last blocks, which are derived or gossiped again, and never leaves half a batch.
 */
export class ChainDb implements StateStore {
  readonly #db: Db

  private constructor(db: Db) {
    this.#db = db
  }

  static async open(dir: string): Promise<ChainDb> {
    const db: Db = new Level(dir, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      // Hashes do not compress; trying costs a third of the write time.
      compression: false,
      cacheSize: 64 * 1024 * 1024,
      writeBufferSize: 16 * 1024 * 1024,
    })
    await db.open()
    return new ChainDb(db)
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  async write(writes: readonly Write[]): Promise<void> {
    await this.#db.batch([...writes])
  }

  meta(name: string): Uint8Array | undefined {
    return this.#get(keys.meta(name))
  }

  header(hash: Hex): Header | undefined {
    const raw = this.#get(keys.header(hash))
    return raw === undefined ? undefined : decodeHeader(raw)
  }

  transactions(hash: Hex): Uint8Array[] | undefined {
    const raw = this.#get(keys.body(hash))
    return raw === undefined ? undefined : asList(rlpDecode(raw), 'body').map((tx) => asBytes(tx, 'transaction'))
  }

  receipts(hash: Hex): StoredReceipt[] | undefined {
    const raw = this.#get(keys.receipts(hash))
    return raw === undefined ? undefined : decodeReceipts(raw)
  }

  canonicalHash(number: bigint): Hex | undefined {
    const raw = this.#get(keys.canonical(number))
    return raw === undefined ? undefined : bytesToHex(raw)
  }

  location(txHash: Hex): TransactionLocation | undefined {
    const raw = this.#get(keys.location(txHash))
    if (raw === undefined) return undefined
    const blockNumber = bytesToBigint(raw.subarray(0, 8))
    const blockHash = this.canonicalHash(blockNumber)
    return blockHash === undefined
      ? undefined
      : { blockHash, blockNumber, index: Number(bytesToBigint(raw.subarray(8))) }
  }

  node(owner: Uint8Array | undefined, path: Uint8Array, hash: Uint8Array): Uint8Array | undefined {
    return this.#get(keys.node({ owner, path, hash }))?.subarray(8)
  }

  code(hash: Uint8Array): Uint8Array | undefined {
    return this.#get(keys.code(hash))
  }

  /** Number of the newest block that made this very node. */
  nodeBirth(key: Uint8Array): bigint | undefined {
    const raw = this.#get(key)
    return raw === undefined ? undefined : bytesToBigint(raw.subarray(0, 8))
  }

  /** What blocks of that number made stale, by block. */
  async staleNodes(number: bigint): Promise<{ key: Uint8Array; blockHash: Hex; nodes: Uint8Array[] }[]> {
    const entries = await this.#db.iterator(keys.staleRange(number)).all()
    return entries.map(([key, value]) => ({
      key,
      blockHash: bytesToHex(key.subarray(9)),
      nodes: asList(rlpDecode(value), 'stale nodes').map((node) => asBytes(node, 'node key')),
    }))
  }

  /** Writes that store an executed block and its state. */
  blockWrites(block: SealedBlock, keepsStale: boolean, mayRepeatNodes: boolean): Write[] {
    const { hash, header } = block
    return [
      { type: 'put', key: keys.header(hash), value: encodeHeader(header) },
      { type: 'put', key: keys.body(hash), value: rlpEncode([...block.transactions]) },
      { type: 'put', key: keys.receipts(hash), value: encodeReceipts(block.receipts) },
      ...this.stateWrites(block.diff, header.number, mayRepeatNodes),
      ...(keepsStale && block.diff.stale.length > 0 ? [staleWrite(header.number, hash, block.diff.stale)] : []),
    ]
  }

  /** `mayRepeat`: a newer block may have made the same nodes, whose birth must not be put back. */
  stateWrites(diff: StateDiff, number: bigint, mayRepeat: boolean): Write[] {
    const birth = uintBytes(number, 8)
    const writes: Write[] = diff.codes.map(({ hash, code }) => ({ type: 'put', key: keys.code(hash), value: code }))
    for (const node of diff.born) {
      const key = keys.node(node)
      const known = mayRepeat ? this.nodeBirth(key) : undefined
      if (known === undefined || known < number) writes.push({ type: 'put', key, value: concatBytes(birth, node.raw) })
    }
    return writes
  }

  #get(key: Uint8Array): Uint8Array | undefined {
    const value = this.#db.getSync(key)
    // level hands out Buffers, whose `slice` is a view where that of a Uint8Array is a copy.
    return value === undefined ? undefined : new Uint8Array(value.buffer, value.byteOffset, value.length)
  }
}

/** A small named value. */
export function metaWrite(name: string, value: Uint8Array): Write {
  return { type: 'put', key: keys.meta(name), value }
}

/** A block becomes the canonical one of its height. */
export function canonicalWrites(block: { hash: Hex; header: Header }, txHashes: readonly Hex[]): Write[] {
  const number = uintBytes(block.header.number, 8)
  return [
    { type: 'put', key: keys.canonical(block.header.number), value: hexToBytes(block.hash) },
    ...txHashes.map(
      (hash, index): Write => ({
        type: 'put',
        key: keys.location(hash),
        value: concatBytes(number, uintBytes(index, 4)),
      }),
    ),
  ]
}

/** A block leaves the canonical chain. */
export function uncanonicalWrites(number: bigint, txHashes: readonly Hex[]): Write[] {
  return [
    { type: 'del', key: keys.canonical(number) },
    ...txHashes.map((hash): Write => ({ type: 'del', key: keys.location(hash) })),
  ]
}

function staleWrite(number: bigint, hash: Hex, stale: readonly NodePlace[]): Write {
  return { type: 'put', key: keys.stale(number, hash), value: rlpEncode(stale.map(keys.node)) }
}
