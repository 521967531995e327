import { bytesToBigint, bytesToHex, FormatError, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import type { IndexedLog } from '../sync/chain-client.ts'

/** topic0 of an event signature. */
export function eventTopic(signature: string): Hex {
  return keccakHex(new TextEncoder().encode(signature))
}

/** Reads an event's words: indexed ones from the topics, the others from the data. Throws FormatError where one is missing. */
export class EventReader {
  readonly #log: IndexedLog

  constructor(log: IndexedLog) {
    this.#log = log
  }

  /** Indexed parameter, 1 to 3. */
  topic(index: number): Hex {
    const topic = this.#log.topics[index]
    if (topic === undefined) throw new FormatError(`event without topic ${index}`)
    return topic
  }

  topicNumber(index: number): number {
    return safeNumber(BigInt(this.topic(index)))
  }

  topicAddress(index: number): Hex {
    return `0x${this.topic(index).slice(26)}`
  }

  word(index: number): Hex {
    return bytesToHex(this.#word(index))
  }

  uint(index: number): bigint {
    return bytesToBigint(this.#word(index))
  }

  number(index: number): number {
    return safeNumber(this.uint(index))
  }

  address(index: number): Hex {
    return `0x${this.word(index).slice(26)}`
  }

  /** The string whose offset stands at word `index`. */
  text(index: number): string {
    const at = this.number(index)
    const length = safeNumber(bytesToBigint(this.#slice(at, 32)))
    return new TextDecoder().decode(this.#slice(at + 32, length))
  }

  #word(index: number): Uint8Array {
    return this.#slice(32 * index, 32)
  }

  #slice(at: number, length: number): Uint8Array {
    const { data } = this.#log
    if (at + length > data.length) throw new FormatError('event data is cut short')
    return data.subarray(at, at + length)
  }
}

/** A licence or other ASCII identifier in 32 bytes, left-aligned; hex where it is none. */
export function shortText(word: Hex): string {
  const bytes = hexToBytes(word)
  const end = bytes.indexOf(0)
  const text = end === -1 ? bytes : bytes.subarray(0, end)
  const isAscii =
    text.length > 0 &&
    text.every((byte) => byte > 0x20 && byte < 0x7f) &&
    bytes.subarray(text.length).every((byte) => byte === 0)
  return isAscii ? new TextDecoder().decode(text) : word
}

function safeNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FormatError(`${value} is too large for an id`)
  return Number(value)
}
