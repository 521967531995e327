import { rankMax, slotsMax, type Target, targetShape, targets } from '../adapter/adapter.ts'
import type { ModelConfig } from '../model-config.ts'
import type { Each } from './crew.ts'
import type { Kernels } from './kernels.ts'
import type { Pass, SlotRun } from './pass.ts'
import { type PlacedSlot, pairAt } from './placed-adapters.ts'
import type { PlacedLayer, PlacedMatrix } from './placed-model.ts'
import { batchMax, type Quantised, type Workspace } from './workspace.ts'

/** A linear of a group that has one input, and where its Q16 output goes. */
export type Linear = { readonly target: Target; readonly out: number }

/** What one element of a vector costs, in multiplications of int8. */
const elementCost = 40

/** Linears of a layer with the adapters of each session. docs/canonical-inference.md §5.3, §5.9. */
export class Linears {
  readonly #config: ModelConfig
  readonly #at: Workspace
  readonly #kernels: Kernels
  /** Words before a target's accumulators in a record. */
  readonly #offsets: ReadonlyMap<Target, number>
  readonly #targetWords: number

  constructor(config: ModelConfig, workspace: Workspace, kernels: Kernels) {
    this.#config = config
    this.#at = workspace
    this.#kernels = kernels
    const offsets = new Map<Target, number>()
    let words = 0
    for (const target of targets) {
      offsets.set(target, words)
      words += targetShape(config, target)[0]
    }
    this.#offsets = offsets
    this.#targetWords = words
  }

  /** Runs linears of one layer on one quantised input. */
  run(pass: Pass, layer: PlacedLayer, index: number, input: Quantised, group: readonly Linear[], each: Each): void {
    const count = pass.tokens.length
    const rows = group.reduce((sum, { target }) => sum + layer[target].rows, 0)
    const columns = layer[group[0]?.target ?? 'query'].columns
    each(rows, columns * count, (from, to) => {
      let offset = 0
      for (const { target, out } of group) {
        const matrix = layer[target]
        const [first, end] = [Math.max(0, from - offset), Math.min(matrix.rows, to - offset)]
        if (first < end) this.#product(matrix, target, input, out, count, first, end)
        offset += matrix.rows
      }
    })
    if (pass.runs.every(({ slots }) => slots.length === 0)) return
    for (const { target, out } of group) this.#adapt(pass, index, target, input, out, each)
  }

  /** Outputs of a target. */
  rows(target: Target): number {
    return targetShape(this.#config, target)[0]
  }

  /** Address of a target's accumulators of a row. */
  accumulators(target: Target, row: number): number {
    return this.#at.record + 4 * (row * this.#at.recordWords + (this.#offsets.get(target) ?? 0))
  }

  /** Address of an adapter's accumulators of a row: those of `down`, then those of `up`. */
  slotAccumulators({ slots }: SlotRun, slot: number, target: Target, row: number): number {
    let words = this.#targetWords
    for (const [i, placed] of slots.entries()) {
      for (const name of placed.targets) {
        if (i === slot && name === target) return this.#at.record + 4 * (row * this.#at.recordWords + words)
        words += placed.rank + targetShape(this.#config, name)[0]
      }
    }
    throw new RangeError(`slot ${slot} has no ${target}`)
  }

  /** Addresses of the quantised low-rank inputs of a part for a run's rows. */
  lowInput(part: number, run: SlotRun): Quantised {
    const vector = part * batchMax + run.row
    const { values, scale } = this.#at.lowInput
    return { values: values + 2 * rankMax * vector, scale: scale + 8 * vector }
  }

  #product(
    { weights, scales, columns }: PlacedMatrix,
    target: Target,
    input: Quantised,
    out: number,
    rows: number,
    from: number,
    to: number,
  ): void {
    const [width, first] = [this.rows(target), this.accumulators(target, 0) + 4 * from]
    const stride = this.#at.recordWords
    this.#kernels.multiply(weights + from * columns, input.values, first, to - from, columns, rows, stride)
    for (let row = 0; row < rows; row++) {
      const [acc, y] = [first + 4 * stride * row, out + 4 * (width * row + from)]
      this.#kernels.dequantise(acc, scales + 4 * from, input.scale + 8 * row, y, to - from)
    }
  }

  /** Slot after slot, since each adds to what the one before left; runs beside each other. */
  #adapt(pass: Pass, layer: number, target: Target, input: Quantised, out: number, each: Each): void {
    const [width, columns] = targetShape(this.#config, target)
    for (let slot = 0; slot < slotsMax; slot++) {
      const users = pass.runs.flatMap((run) => {
        const placed = run.slots[slot]
        return placed?.targets.includes(target) === true ? [{ run, placed }] : []
      })
      if (users.length === 0) continue
      const cost = users.reduce((sum, { run, placed }) => sum + placed.rank * run.count, 0)
      each(users.length, (cost * columns) / users.length, (from, to) => {
        for (const { run, placed } of users.slice(from, to)) this.#down(run, slot, placed, layer, target, input)
      })
      each(width, cost + elementCost * pass.tokens.length, (from, to) => {
        for (const { run, placed } of users) this.#up(run, slot, placed, layer, target, out, from, to)
      })
    }
  }

  #down(run: SlotRun, slot: number, placed: PlacedSlot, layer: number, target: Target, input: Quantised): void {
    const { down } = pairAt(this.#config, placed, layer, target)
    const { row, count } = run
    const part = slot * targets.length + targets.indexOf(target)
    const [accumulators, stride] = [this.slotAccumulators(run, slot, target, row), this.#at.recordWords]
    const inputs = input.values + 2 * down.columns * row
    this.#kernels.multiply(down.weights, inputs, accumulators, down.rows, down.columns, count, stride)
    const [low, { values, scale }] = [this.#at.low + 4 * rankMax * (part * batchMax + row), this.lowInput(part, run)]
    for (let i = 0; i < count; i++) {
      this.#kernels.dequantise(accumulators + 4 * stride * i, down.scales, input.scale + 8 * (row + i), low, down.rows)
      this.#kernels.quantise(low, down.rows, values + 2 * down.rows * i, scale + 8 * i, this.#config.inputMax)
    }
  }

  #up(
    run: SlotRun,
    slot: number,
    placed: PlacedSlot,
    layer: number,
    target: Target,
    out: number,
    from: number,
    to: number,
  ): void {
    const { up } = pairAt(this.#config, placed, layer, target)
    const { row, count } = run
    const part = slot * targets.length + targets.indexOf(target)
    const stride = this.#at.recordWords
    const accumulators = this.slotAccumulators(run, slot, target, row) + 4 * (placed.rank + from)
    const { values, scale } = this.lowInput(part, run)
    const weights = up.weights + from * up.columns
    this.#kernels.multiply(weights, values, accumulators, to - from, up.columns, count, stride)
    for (let i = 0; i < count; i++) {
      const [acc, y] = [accumulators + 4 * stride * i, out + 4 * (up.rows * (row + i) + from)]
      this.#kernels.addDequantised(acc, up.scales + 4 * from, scale + 8 * i, placed.weight, y, to - from)
    }
  }
}
