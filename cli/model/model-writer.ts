import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import type { ModelConfig } from '../../inference/model-config.ts'
import { modelMagic } from '../../inference/model-file.ts'
import {
  type ListedSection,
  listSection,
  type Section,
  sectionFileHead,
  sectionPadding,
} from '../../inference/sections.ts'

/** Sections of a model file: eight before the layers, sixteen a layer, the final norm and the head. */
function sectionCount({ layers, tiedHead }: ModelConfig): number {
  return 8 + 16 * layers + (tiedHead ? 2 : 3)
}

/** Writes a model file section by section, under its name when it is whole. */
export class ModelWriter {
  readonly sections: ListedSection[] = []
  readonly #path: string
  readonly #descriptor: number
  readonly #count: number
  #at: number
  #isOpen = true

  /** Throws {@link UsageError} where the file cannot be made. */
  constructor(path: string, config: ModelConfig) {
    this.#path = path
    this.#count = sectionCount(config)
    this.#at = sectionFileHead(modelMagic, new Array<number>(this.#count).fill(0)).length
    try {
      // Known before hours of conversion: the file takes its name at the end.
      if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error('it is a directory')
      this.#descriptor = openSync(this.#partial, 'w')
    } catch (cause) {
      throw new UsageError(`${path} cannot be written`, { cause })
    }
  }

  get bytes(): number {
    return this.#at
  }

  write(section: Section): void {
    this.#put(section.bytes, this.#at)
    const padding = sectionPadding(section.bytes.length)
    this.#put(padding, this.#at + section.bytes.length)
    this.#at += section.bytes.length + padding.length
    this.sections.push(listSection(section))
  }

  finish(): void {
    if (this.sections.length !== this.#count) throw new Error(`${this.sections.length} sections of ${this.#count}`)
    const lengths = this.sections.map(({ length }) => length)
    this.#put(sectionFileHead(modelMagic, lengths), 0)
    this.#close()
    renameSync(this.#partial, this.#path)
  }

  /** Also behind a `finish` that failed. */
  abandon(): void {
    this.#close()
    rmSync(this.#partial, { force: true })
  }

  get #partial(): string {
    return `${this.#path}.partial`
  }

  #close(): void {
    if (this.#isOpen) closeSync(this.#descriptor)
    this.#isOpen = false
  }

  #put(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#descriptor, bytes, done, Math.min(bytes.length - done, writeBytesMax), at + done)
    }
  }
}

/** A write call takes less than 2 GiB. */
const writeBytesMax = 2 ** 30
