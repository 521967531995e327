import { readSync } from 'node:fs'
import type { Entries } from './entries.ts'
import { SuffixError } from './suffix-error.ts'

/** Entries of a page: a disk is read 1 KiB at a time. */
const pageBits = 8
const pageEntries = 2 ** pageBits

/** Entries of a file, big-endian u32 from a byte on; the pages read last are held. Each page has one place it can be held in. */
export class PagedEntries implements Entries {
  readonly length: number
  readonly #fd: number
  readonly #start: number
  readonly #held: Uint32Array
  readonly #pages: Int32Array
  readonly #mask: number

  /** `cacheBytes` is rounded down to a power of two; one page at least. */
  constructor(fd: number, start: number, length: number, cacheBytes: number) {
    this.length = length
    this.#fd = fd
    this.#start = start
    const wanted = Math.min(cacheBytes / (4 * pageEntries), 2 * Math.ceil(length / pageEntries))
    const slots = 2 ** Math.floor(Math.log2(Math.max(1, wanted)))
    this.#held = new Uint32Array(slots * pageEntries)
    this.#pages = new Int32Array(slots).fill(-1)
    this.#mask = slots - 1
  }

  at(place: number): number {
    const page = place >>> pageBits
    const slot = page & this.#mask
    if (this.#pages[slot] !== page) this.#load(page, slot)
    return this.#held[(slot << pageBits) | (place & (pageEntries - 1))] as number
  }

  #load(page: number, slot: number): void {
    const size = 4 * Math.min(pageEntries, this.length - page * pageEntries)
    if (size <= 0) throw new SuffixError('size', `page ${page} of a table of ${this.length} entries`)
    const bytes = Buffer.from(this.#held.buffer, 4 * slot * pageEntries, size)
    this.#pages[slot] = -1
    readFully(this.#fd, bytes, this.#start + 4 * page * pageEntries)
    bytes.swap32()
    this.#pages[slot] = page
  }
}

/** Fills `bytes` from a position of a file. Throws {@link SuffixError} `format` where it ends before. */
export function readFully(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    const read = readSync(fd, bytes, done, bytes.length - done, position + done)
    if (read === 0) throw new SuffixError('format', 'the index file is cut off')
    done += read
  }
}
