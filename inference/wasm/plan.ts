import type { ModelConfig } from '../model-config.ts'
import type { Trace } from '../trace.ts'
import type { Pass, Segment, SlotRun } from './pass.ts'
import type { PlacedSlot } from './placed-adapters.ts'
import type { WasmSession } from './wasm-session.ts'
import { batchMax, tileBytes, tilesOf, type Workspace } from './workspace.ts'

/** One session's part of a step. */
export type Item = {
  readonly session: WasmSession
  readonly tokens: readonly number[]
  readonly trace: Trace | undefined
  readonly headFrom: number
}

/** A pass, whom to tell its segments, and rows that end an item, whose logits are its outcome. */
export type PlannedPass = {
  readonly pass: Pass
  readonly traces: ReadonlyMap<Segment, Trace>
  readonly ends: ReadonlyMap<number, Item>
}

/** Cuts items into passes, item after item, those with the same adapters beside each other. */
export function planPasses(config: ModelConfig, workspace: Workspace, items: readonly Item[]): PlannedPass[] {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = keyOf(item.session.slots)
    groups.set(key, [...(groups.get(key) ?? []), item])
  }
  const rowsMax = rowsOfPass(config, workspace, items)
  const passes: PlannedPass[] = []
  let builder = new PassBuilder()
  for (const item of [...groups.values()].flat()) {
    for (let done = 0; done < item.tokens.length; ) {
      if (builder.rows === rowsMax) {
        passes.push(builder.build())
        builder = new PassBuilder()
      }
      done += builder.add(item, done, Math.min(item.tokens.length - done, rowsMax - builder.rows))
    }
  }
  return [...passes, builder.build()]
}

/** Positions of a pass; of a traced one as many as have room for their tiles. */
function rowsOfPass(config: ModelConfig, { tilesBytes }: Workspace, items: readonly Item[]): number {
  if (items.every(({ trace }) => trace === undefined)) return batchMax
  const longest = Math.max(...items.map(({ session, tokens }) => session.length + tokens.length))
  const rowBytes = config.heads * tilesOf(config, longest - 1) * tileBytes(config)
  return Math.min(batchMax, Math.floor(tilesBytes / rowBytes))
}

class PassBuilder {
  readonly #tokens: number[] = []
  readonly #segments: Segment[] = []
  readonly #runs: SlotRun[] = []
  readonly #heads: number[] = []
  readonly #traces = new Map<Segment, Trace>()
  readonly #ends = new Map<number, Item>()

  get rows(): number {
    return this.#tokens.length
  }

  /** Adds `count` tokens of an item from the `from`-th on. */
  add(item: Item, from: number, count: number): number {
    const { session, tokens, trace, headFrom } = item
    const row = this.rows
    const segment = { row, count, position: session.length + from, pages: session.pages }
    this.#segments.push(segment)
    if (trace !== undefined) this.#traces.set(segment, trace)
    this.#addRun(row, count, session.slots)
    for (let i = 0; i < count; i++) {
      this.#tokens.push(tokens[from + i] ?? 0)
      if (from + i >= headFrom) this.#heads.push(row + i)
    }
    if (from + count === tokens.length && headFrom < tokens.length) this.#ends.set(row + count - 1, item)
    return count
  }

  build(): PlannedPass {
    const pass = {
      tokens: this.#tokens,
      segments: this.#segments,
      runs: this.#runs,
      heads: this.#heads,
      traced: this.#traces.size > 0,
    }
    return { pass, traces: this.#traces, ends: this.#ends }
  }

  #addRun(row: number, count: number, slots: readonly PlacedSlot[]): void {
    const last = this.#runs.at(-1)
    if (last !== undefined && keyOf(last.slots) === keyOf(slots)) {
      this.#runs[this.#runs.length - 1] = { ...last, count: last.count + count }
    } else this.#runs.push({ row, count, slots })
  }
}

function keyOf(slots: readonly PlacedSlot[]): string {
  return slots.map(({ address, weight }) => `${address}·${weight}`).join(' ')
}
