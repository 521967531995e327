import { bytesToHex, concatBytes, equalBytes, FormatError, type Hex, hexToBytes, uintBytes } from '../protocol/bytes.ts'
import { absentNode, merkleLevels, merkleRoot, merkleRootOf } from '../protocol/content-hash.ts'
import { type Matrix, mantissaMax, shiftMax, shiftMin } from './model.ts'

/** One part of a model or an adapter: what is hashed, and how it is cut into leaves. docs/canonical-inference.md §9. */
export type Section = { readonly name: string; readonly bytes: Uint8Array; readonly leafBytes: number }

type Data = Uint8Array | Int8Array | Int16Array | Int32Array | Uint32Array

/** Sections begin at multiples of this, so that every element type can be viewed in place. */
const alignment = 16
export const leafBytesMax = 1024

/** {@link sectionFileHead}, then each section and zeros to a multiple of 16. */
export function encodeSections(magic: string, sections: readonly Section[]): Uint8Array {
  const head = sectionFileHead(
    magic,
    sections.map(({ bytes }) => bytes.length),
  )
  return concatBytes(head, ...sections.flatMap(({ bytes }) => [bytes, sectionPadding(bytes.length)]))
}

/** `magic ‖ count u32 ‖ length u64 …`, zeros to a multiple of 16. */
export function sectionFileHead(magic: string, lengths: readonly number[]): Uint8Array {
  const fields = lengths.map((length) => uintBytes(BigInt(length), 8))
  const head = concatBytes(new TextEncoder().encode(magic), uintBytes(BigInt(lengths.length), 4), ...fields)
  return concatBytes(head, sectionPadding(head.length))
}

/** The zeros behind so many bytes. */
export function sectionPadding(bytes: number): Uint8Array {
  return new Uint8Array((alignment - (bytes % alignment)) % alignment)
}

/**
 * The tree over sections, whose leaf i is `name length u8 ‖ name ‖ length u64 ‖ leaf size u32 ‖ root of the section's leaves`.
 */
export function sectionsRoot(sections: readonly Section[]): Hex {
  return listedRoot(sections.map(listSection))
}

/** What a section gives to the root: a list of these tells a file with the right root from one that is wrong somewhere. */
export type ListedSection = Omit<Section, 'bytes'> & { readonly length: number; readonly root: Hex }

export function listSection({ name, bytes, leafBytes }: Section): ListedSection {
  return { name, length: bytes.length, leafBytes, root: merkleRoot(bytes, leafBytes) }
}

export function listedRoot(sections: readonly ListedSection[]): Hex {
  return bytesToHex(merkleRootOf(sections.map(listedLeaf)))
}

/** The way from a section to the root over all: its place, and the hashes beside it from the leaf upwards. Throws FormatError. */
export function proveSection(
  sections: readonly Section[],
  name: string,
): { readonly place: number; readonly siblings: readonly Uint8Array[] } {
  const place = sections.findIndex((section) => section.name === name)
  if (place < 0) throw new FormatError(`there is no section ${name}`)
  const levels = merkleLevels(sections.map(sectionLeaf))
  const siblings = levels.slice(0, -1).map((level, height) => level[(place >> height) ^ 1] ?? absentNode(height))
  return { place, siblings }
}

export function sectionLeaf(section: Section): Uint8Array {
  return listedLeaf(listSection(section))
}

export function listedLeaf({ name, length, leafBytes, root }: ListedSection): Uint8Array {
  const text = new TextEncoder().encode(name)
  return concatBytes(
    Uint8Array.of(text.length),
    text,
    uintBytes(BigInt(length), 8),
    uintBytes(BigInt(leafBytes), 4),
    hexToBytes(root),
  )
}

export function plainSection(name: string, data: Data): Section {
  return { name, bytes: bytesOf(data), leafBytes: leafBytesMax }
}

/** Weights, cut at `leafBytes`, and row scales. */
export function matrixSections(name: string, { weights, scales }: Matrix, leafBytes: number): Section[] {
  return [{ name, bytes: bytesOf(weights), leafBytes }, plainSection(`${name}.scales`, scales)]
}

/** Reads what {@link encodeSections} wrote; views in place. Throws {@link FormatError} for anything else. */
export class SectionReader {
  readonly #what: string
  readonly #bytes: Uint8Array
  readonly #lengths: readonly number[]
  #offset: number
  #index = 0

  /** `what` names the kind of file in errors. */
  constructor(unaligned: Uint8Array, magic: string, what: string) {
    const bytes = unaligned.byteOffset % alignment === 0 ? unaligned : new Uint8Array(unaligned)
    this.#what = what
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    if (bytes.length < 12 || !equalBytes(bytes.subarray(0, 8), new TextEncoder().encode(magic))) {
      throw new FormatError(`not a ${what} file`)
    }
    const count = view.getUint32(8)
    const headBytes = 12 + 8 * count
    if (headBytes > bytes.length) throw new FormatError(`${this.#what} file: cut off`)
    this.#lengths = Array.from({ length: count }, (_, i) => Number(view.getBigUint64(12 + 8 * i)))
    this.#bytes = bytes
    this.#offset = this.#skipZeros(headBytes)
  }

  next(length: number): Uint8Array {
    const section = this.nextUpTo(length)
    if (section.length !== length) {
      throw new FormatError(`${this.#what} file: section ${this.#index - 1} has ${section.length} bytes, not ${length}`)
    }
    return section
  }

  nextUpTo(max: number): Uint8Array {
    const length = this.#lengths[this.#index]
    if (length === undefined) throw new FormatError(`${this.#what} file: only ${this.#lengths.length} sections`)
    if (length > max) {
      throw new FormatError(`${this.#what} file: section ${this.#index} has ${length} bytes, not ${max}`)
    }
    const section = this.#bytes.subarray(this.#offset, this.#offset + length)
    if (section.length < length) throw new FormatError(`${this.#what} file: cut off`)
    this.#offset = this.#skipZeros(this.#offset + length)
    this.#index++
    return section
  }

  /** Weights and row scales, refused out of range. */
  matrix(rows: number, columns: number): Matrix {
    return { rows, columns, weights: this.#weights(this.next(rows * columns)), scales: this.scales(rows) }
  }

  scales(rows: number): Uint32Array {
    const scales = words(this.next(4 * rows))
    for (const scale of scales) {
      const [mantissa, shift] = [scale >>> 8, scale & 255]
      if (mantissa > mantissaMax || shift < shiftMin || shift > shiftMax) {
        throw new FormatError(`${this.#what} file: row scale ${mantissa} / 2^${shift}`)
      }
    }
    return scales
  }

  end(): void {
    if (this.#index !== this.#lengths.length || this.#offset !== this.#bytes.length) {
      throw new FormatError(`${this.#what} file: more than its config says`)
    }
  }

  #skipZeros(offset: number): number {
    const end = Math.ceil(offset / alignment) * alignment
    if (end > this.#bytes.length) throw new FormatError(`${this.#what} file: cut off`)
    for (let i = offset; i < end; i++)
      if (this.#bytes[i] !== 0) throw new FormatError(`${this.#what} file: padding is not zero`)
    return end
  }

  #weights(bytes: Uint8Array): Int8Array {
    const weights = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    if (weights.indexOf(-128) >= 0) throw new FormatError(`${this.#what} file: a weight is -128`)
    return weights
  }
}

export function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}

function bytesOf(data: Data): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
