import { type ModelConfig, tilePositions } from '../model-config.ts'
import type { Arena } from './arena.ts'

/**
 * Layout of cached keys and values: a page holds an attention tile's positions of all layers; per layer and kv head the keys,
 * position after position, then the values.
 */
export class PageLayout {
  /** Positions of a page. */
  readonly positions: number
  /** Bytes of the keys, or the values, of one head in one layer. */
  readonly headBytes: number
  readonly bytes: number
  readonly #config: ModelConfig

  constructor(config: ModelConfig) {
    this.#config = config
    this.positions = tilePositions(config)
    this.headBytes = 2 * this.positions * config.headDim
    this.bytes = 2 * config.layers * config.kvHeads * this.headBytes
  }

  /** Where in a page a head's keys begin; its values follow them. */
  keys(layer: number, kvHead: number): number {
    return 2 * (layer * this.#config.kvHeads + kvHead) * this.headBytes
  }
}

/** The pages of one session, and their addresses as the kernels read them. */
export class KeyValuePages {
  /** Address of a list of u32 addresses. */
  readonly table: number
  readonly #layout: PageLayout
  readonly #arena: Arena
  readonly #tableBytes: number
  readonly #pages: number[] = []
  readonly #pagesMax: number

  /** Room for so many positions. Throws InferenceError `memory` where there is none. */
  constructor(layout: PageLayout, arena: Arena, positions: number) {
    this.#layout = layout
    this.#arena = arena
    this.#pagesMax = Math.ceil(positions / layout.positions)
    this.#tableBytes = 4 * this.#pagesMax
    this.table = arena.allocate(this.#tableBytes)
    try {
      while (this.#pages.length < this.#pagesMax) this.#pages.push(arena.allocate(layout.bytes))
    } catch (error) {
      this.release()
      throw error
    }
    arena.write(this.table, Uint32Array.from(this.#pages))
  }

  /** Address of the page that holds a position. */
  page(position: number): number {
    const address = this.#pages[Math.floor(position / this.#layout.positions)]
    if (address === undefined) throw new RangeError(`position ${position} has no page`)
    return address
  }

  release(): void {
    for (const page of this.#pages.splice(0)) this.#arena.release(page, this.#layout.bytes)
    this.#arena.release(this.table, this.#tableBytes)
  }
}
