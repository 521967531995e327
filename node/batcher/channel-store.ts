import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { removeFile, writeFileAtomic } from '../../common/atomic-file.ts'
import { CodedError } from '../../common/errors.ts'
import type { BlockId } from '../../protocol/block-ref.ts'
import { bytesToHex, fixedHex, hexToBytes } from '../../protocol/bytes.ts'
import type { ClosedChannel } from './closed-channel.ts'

/** `corrupt`: a file that this program did not write; a person must look. */
export class ChannelStoreError extends CodedError<'corrupt'> {}

/**
 * Closed channels on disk until the L2 blocks inside are safe: a batcher that was killed in the middle of a channel goes
 * on with the same frames instead of posting the blocks again.
 */
export class ChannelStore {
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async open(directory: string): Promise<ChannelStore> {
    await mkdir(directory, { recursive: true })
    return new ChannelStore(directory)
  }

  /** All stored channels in their order. Throws {@link ChannelStoreError}. */
  async load(): Promise<ClosedChannel[]> {
    const channels: ClosedChannel[] = []
    for (const name of (await readdir(this.#directory)).toSorted()) {
      const path = join(this.#directory, name)
      if (name.endsWith('.tmp')) await removeFile(path)
      if (!name.endsWith('.json')) continue
      try {
        channels.push(parseChannel(JSON.parse(await readFile(path, 'utf8'))))
      } catch (cause) {
        throw new ChannelStoreError('corrupt', `the stored channel ${path} cannot be read`, { cause })
      }
    }
    return channels.toSorted((a, b) => a.sequence - b.sequence)
  }

  /** On disk when it resolves. */
  async save(channel: ClosedChannel): Promise<void> {
    const json = {
      ...channel,
      first: blockIdJson(channel.first),
      last: blockIdJson(channel.last),
      items: channel.items.map(bytesToHex),
    }
    await writeFileAtomic(this.#path(channel), JSON.stringify(json))
  }

  async remove(channel: ClosedChannel): Promise<void> {
    await removeFile(this.#path(channel))
  }

  #path(channel: ClosedChannel): string {
    return join(this.#directory, `${channel.sequence.toString().padStart(12, '0')}.json`)
  }
}

function blockIdJson(id: BlockId) {
  return { hash: id.hash, number: id.number.toString() }
}

function parseChannel(json: unknown): ClosedChannel {
  const da = field(json, 'da')
  const sequence = field(json, 'sequence')
  const items = field(json, 'items')
  if (da !== 'blobs' && da !== 'calldata') throw new Error('no place for the data')
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence)) throw new Error('no sequence')
  if (!Array.isArray(items) || items.length === 0) throw new Error('no items')
  return {
    id: fixedHex(field(json, 'id'), 16, 'channel id'),
    sequence,
    first: parseBlockId(field(json, 'first')),
    last: parseBlockId(field(json, 'last')),
    da,
    items: items.map((item) => hexToBytes(String(item))),
  }
}

function parseBlockId(json: unknown): BlockId {
  const number = field(json, 'number')
  if (typeof number !== 'string' || !/^[0-9]{1,20}$/.test(number)) throw new Error('no block number')
  return { hash: fixedHex(field(json, 'hash'), 32, 'block hash'), number: BigInt(number) }
}

function field(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null ? Reflect.get(json, name) : undefined
}
