import { bytesToBigint, bytesToHex, FormatError, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import type { StateTableName } from '../store/schema.ts'
import type { Row } from '../store/store.ts'
import type { IndexedLog, IndexedTransaction } from '../sync/chain-client.ts'

/** Where an event stands. `timestamp`: of the block, Unix seconds. */
export type EventContext = {
  readonly block: number
  readonly timestamp: number
  readonly tx: IndexedTransaction
  readonly writer: BlockWriter
}
export type EventHandler = (event: EventReader, context: EventContext) => void

/** What is done at each event of a contract. */
export type ContractHandlers = ReadonlyMap<Hex, EventHandler>

/** By signature as the ABI has it, names and `indexed` left out. */
export function contractHandlers(bySignature: Readonly<Record<string, EventHandler>>): ContractHandlers {
  return new Map(Object.entries(bySignature).map(([signature, handler]) => [eventTopic(signature), handler]))
}

/** Event that changes nothing here: what it says follows from another one. */
export const noChange: EventHandler = () => {}

/** Wei or another large number in a column; 0 where there is no row. */
export function amountIn(row: Row | undefined, column: string): bigint {
  return BigInt(String(row?.[column] ?? 0))
}

/** Sets some columns of a row that an earlier event made. */
export function change(writer: BlockWriter, table: StateTableName, key: string | number, columns: Row): void {
  const before = writer.state(table, key)
  if (before === undefined) throw new Error(`event of ${table} ${key}, which was never made`)
  const { key: _key, ...row } = before
  writer.set(table, key, { ...row, ...columns })
}

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

  /** The log's place in its block. */
  get index(): number {
    return this.#log.index
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

  /** A signed integer of any size. */
  int(index: number): bigint {
    return BigInt.asIntN(256, this.uint(index))
  }

  /** An unsigned integer of any size. */
  decimal(index: number): string {
    return String(this.uint(index))
  }

  number(index: number): number {
    return safeNumber(this.uint(index))
  }

  address(index: number): Hex {
    return `0x${this.word(index).slice(26)}`
  }

  /** The string whose offset stands at word `index`. */
  text(index: number): string {
    return new TextDecoder().decode(this.#bytes(index))
  }

  /** The byte string whose offset stands at word `index`. */
  bytes(index: number): Hex {
    return bytesToHex(this.#bytes(index))
  }

  /** The list of words whose offset stands at word `index`. */
  words(index: number): Hex[] {
    const at = this.number(index)
    const length = safeNumber(bytesToBigint(this.#slice(at, 32)))
    return Array.from({ length }, (_, i) => bytesToHex(this.#slice(at + 32 * (i + 1), 32)))
  }

  /** The list of structs of `size` words each whose offset stands at word `index`. */
  structs(index: number, size: number): Hex[][] {
    const at = this.number(index)
    const length = safeNumber(bytesToBigint(this.#slice(at, 32)))
    return Array.from({ length }, (_, i) =>
      Array.from({ length: size }, (_, j) => bytesToHex(this.#slice(at + 32 * (1 + i * size + j), 32))),
    )
  }

  /** The list of byte strings whose offset stands at word `index`. */
  byteStrings(index: number): Hex[] {
    const at = this.number(index) + 32
    const word = (place: number) => safeNumber(bytesToBigint(this.#slice(place, 32)))
    const length = word(at - 32)
    return Array.from({ length }, (_, i) => {
      const place = at + word(at + 32 * i)
      return bytesToHex(this.#slice(place + 32, word(place)))
    })
  }

  #bytes(index: number): Uint8Array {
    const at = this.number(index)
    const length = safeNumber(bytesToBigint(this.#slice(at, 32)))
    return this.#slice(at + 32, length)
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
