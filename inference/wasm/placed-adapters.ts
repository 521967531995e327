import { type Adapter, type Slot, type Target, targetShape, targets } from '../adapter/adapter.ts'
import type { ModelConfig } from '../model-config.ts'
import type { Arena } from './arena.ts'
import type { PlacedMatrix } from './placed-model.ts'

/** An adapter in the kernels' memory with its weight: all that a thread must know. */
export type PlacedSlot = {
  readonly address: number
  readonly rank: number
  readonly targets: readonly Target[]
  readonly weight: number
}

export type PlacedPair = { readonly down: PlacedMatrix; readonly up: PlacedMatrix }

/** Adapters in memory while sessions use them; one copy each. */
export class PlacedAdapters {
  readonly #config: ModelConfig
  readonly #arena: Arena
  readonly #placed = new Map<Adapter, { readonly address: number; readonly bytes: number; users: number }>()

  constructor(config: ModelConfig, arena: Arena) {
    this.#config = config
    this.#arena = arena
  }

  /** Throws InferenceError `memory` where there is no room; then none is placed. */
  place(slots: readonly Slot[]): readonly PlacedSlot[] {
    const placed: PlacedSlot[] = []
    try {
      for (const { adapter, weight } of slots) {
        placed.push({ address: this.#use(adapter), rank: adapter.rank, targets: targetsOf(adapter), weight })
      }
    } catch (error) {
      this.release(slots.slice(0, placed.length))
      throw error
    }
    return placed
  }

  release(slots: readonly Slot[]): void {
    for (const { adapter } of slots) {
      const placed = this.#placed.get(adapter)
      if (placed === undefined) throw new Error('an adapter was released twice')
      placed.users--
      if (placed.users > 0) continue
      this.#placed.delete(adapter)
      this.#arena.release(placed.address, placed.bytes)
    }
  }

  #use(adapter: Adapter): number {
    const placed = this.#placed.get(adapter)
    if (placed !== undefined) {
      placed.users++
      return placed.address
    }
    const layout = { rank: adapter.rank, targets: targetsOf(adapter) }
    const bytes = this.#config.layers * layerBytes(this.#config, layout)
    const address = this.#arena.allocate(bytes)
    this.#placed.set(adapter, { address, bytes, users: 1 })
    for (const [i, layer] of adapter.layers.entries()) {
      for (const target of layout.targets) {
        const [pair, place] = [layer[target], pairAt(this.#config, { address, ...layout }, i, target)]
        if (pair === undefined) continue
        for (const side of ['down', 'up'] as const) {
          this.#arena.write(place[side].weights, pair[side].weights)
          this.#arena.write(place[side].scales, pair[side].scales)
        }
      }
    }
    return address
  }
}

type Layout = { readonly rank: number; readonly targets: readonly Target[] }

/** Where a placed adapter has the matrices of a target: layer after layer, target after target. */
export function pairAt(
  config: ModelConfig,
  { address, rank, targets: list }: Layout & { readonly address: number },
  layer: number,
  target: Target,
): PlacedPair {
  let at = address + layer * layerBytes(config, { rank, targets: list })
  for (const before of list.slice(0, list.indexOf(target))) at += pairBytes(config, rank, before)
  const [rows, columns] = targetShape(config, target)
  const [downScales, up] = [at + rank * columns, at + rank * columns + 4 * rank]
  return {
    down: { rows: rank, columns, weights: at, scales: downScales },
    up: { rows, columns: rank, weights: up, scales: up + rows * rank },
  }
}

function layerBytes(config: ModelConfig, { rank, targets: list }: Layout): number {
  return list.reduce((sum, target) => sum + pairBytes(config, rank, target), 0)
}

function pairBytes(config: ModelConfig, rank: number, target: Target): number {
  const [rows, columns] = targetShape(config, target)
  return rank * (columns + rows) + 4 * (rank + rows)
}

function targetsOf({ layers }: Adapter): readonly Target[] {
  return targets.filter((target) => layers[0]?.[target] !== undefined)
}
