import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { absentNode, chunks, merkleLevels } from '../../protocol/content-hash.ts'
import { type Section, sectionLeaf } from '../sections.ts'
import type { Run } from './step.ts'

/** Openings of a model's or adapter's file under its root. */
export class SectionOpener {
  readonly sections: readonly Section[]
  readonly #leaves: readonly Uint8Array[]
  readonly #levels: readonly (readonly Uint8Array[])[]
  readonly #inner = new Map<number, readonly (readonly Uint8Array[])[]>()

  constructor(sections: readonly Section[]) {
    this.sections = sections
    this.#leaves = sections.map(sectionLeaf)
    this.#levels = merkleLevels(this.#leaves)
  }

  get root(): Hex {
    return bytesToHex(this.#levels.at(-1)?.[0] ?? new Uint8Array(32))
  }

  /** The section's leaf in the tree of sections. */
  leaf(number: number): Uint8Array {
    return this.#leaves[number] ?? new Uint8Array(0)
  }

  /** Hashes beside the section's way up. */
  siblings(number: number): Uint8Array[] {
    return runSiblings(this.#levels, number, number)
  }

  /** Leaves of a section that hold its bytes `from` … `to` − 1. */
  run(number: number, from: number, to: number): Run {
    const { bytes, leafBytes } = this.section(number)
    const [first, last] = [Math.floor(from / leafBytes), Math.floor((to - 1) / leafBytes)]
    const levels = this.#inner.get(number) ?? merkleLevels(chunks(bytes, leafBytes))
    this.#inner.set(number, levels)
    const data = bytes.subarray(first * leafBytes, (last + 1) * leafBytes)
    return { first, data, siblings: runSiblings(levels, first, last) }
  }

  /** Root of a section's own leaves. */
  sectionRoot(number: number): Hex {
    return bytesToHex(this.leaf(number).subarray(-32))
  }

  section(number: number): Section {
    const section = this.sections[number]
    if (section === undefined) throw new Error(`no section ${number}`)
    return section
  }
}

/** The config of a model or an adapter, as contracts/src/lib/ModelSections.sol opens it. */
export function openConfig(opener: SectionOpener): {
  readonly config: Uint8Array
  readonly siblings: readonly Uint8Array[]
} {
  return { config: opener.section(0).bytes, siblings: opener.siblings(0) }
}

/** Level by level the hash on the left of leaves `first` … `last`, then the one on the right. */
function runSiblings(levels: readonly (readonly Uint8Array[])[], first: number, last: number): Uint8Array[] {
  const siblings: Uint8Array[] = []
  let [from, to] = [first, last]
  for (const [height, level] of levels.slice(0, -1).entries()) {
    if (from % 2 === 1) siblings.push(level[from - 1] ?? absentNode(height))
    if (to % 2 === 0) siblings.push(level[to + 1] ?? absentNode(height))
    from = Math.floor(from / 2)
    to = Math.floor(to / 2)
  }
  return siblings
}
