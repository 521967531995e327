import { checkSlots } from '../adapter/adapter.ts'
import type { Engine, Session, SessionOptions, Step } from '../engine.ts'
import { InferenceError } from '../inference-error.ts'
import type { CanonicalModel } from '../model.ts'
import { checkConfig, type ModelConfig } from '../model-config.ts'
import { Arena } from './arena.ts'
import { pieceCostDefault } from './crew.ts'
import { EngineThreads } from './engine-threads.ts'
import { ForwardPass, type PassListener, type PlacedEngine } from './forward-pass.ts'
import { KeyValuePages, PageLayout } from './key-value-pages.ts'
import { PassTrace } from './pass-trace.ts'
import { PlacedAdapters } from './placed-adapters.ts'
import { placeModel } from './placed-model.ts'
import { type Item, type PlannedPass, planPasses } from './plan.ts'
import { WasmSession } from './wasm-session.ts'
import { takeWorkspace } from './workspace.ts'

export type WasmEngineOptions = {
  /** Threads that share the work, the caller's included. */
  readonly threads?: number
  /** Least multiplications of int8 that are handed to another thread. */
  readonly pieceCost?: number
  /** Memory for caches and adapters of all sessions. */
  readonly sessionBytesMax?: number
}

const sessionBytesMaxDefault = 2 ** 31

/**
 * The model on SIMD kernels in WebAssembly, positions of any sessions together. Bit-identical to the oracle. Other threads are
 * a help where they run, and never needed.
 */
export class WasmEngine implements Engine {
  readonly config: ModelConfig
  readonly #arena: Arena
  readonly #placed: PlacedEngine
  readonly #pass: ForwardPass
  readonly #layout: PageLayout
  readonly #adapters: PlacedAdapters
  readonly #threads: EngineThreads

  constructor(model: CanonicalModel, options: WasmEngineOptions = {}) {
    const { threads = 1, pieceCost = pieceCostDefault, sessionBytesMax = sessionBytesMaxDefault } = options
    checkConfig(model.config)
    this.config = model.config
    this.#arena = new Arena(sessionBytesMax)
    const workspace = takeWorkspace(model.config, this.#arena, threads)
    this.#placed = { config: model.config, model: placeModel(model, this.#arena), workspace }
    this.#layout = new PageLayout(model.config)
    this.#adapters = new PlacedAdapters(model.config, this.#arena)
    this.#pass = new ForwardPass(this.#placed, this.#arena.memory, 0)
    this.#threads = new EngineThreads(this.#placed, this.#arena, threads - 1, pieceCost)
  }

  /** Bytes that sessions hold now. */
  get sessionBytes(): number {
    return this.#arena.allocated
  }

  /** Threads that are at work, the caller's included; the others take some time to start. */
  get threads(): number {
    return 1 + this.#threads.running
  }

  start({ slots = [], positions = this.config.context }: SessionOptions = {}): Session {
    checkSlots(this.config, slots)
    if (!Number.isInteger(positions) || positions < 1 || positions > this.config.context) {
      throw new InferenceError('context', `a session of ${positions} positions`)
    }
    const placedSlots = this.#adapters.place(slots)
    try {
      const pages = new KeyValuePages(this.#layout, this.#arena, positions)
      return new WasmSession({
        config: this.config,
        pages,
        slots: placedSlots,
        positions,
        step: (steps) => this.step(steps),
        release: () => {
          pages.release()
          this.#adapters.release(slots)
        },
      })
    } catch (error) {
      this.#adapters.release(slots)
      throw error
    }
  }

  /** Where a session is refused, or a trace throws, none of them has moved. */
  step(steps: readonly Step[]): Int32Array[] {
    const items = steps.map(itemOf)
    if (new Set(items.map(({ session }) => session)).size < items.length) throw new Error('a session twice in a step')
    if (items.length === 0) return []
    const outcomes = new Map<Item, Int32Array>()
    for (const planned of planPasses(this.config, this.#placed.workspace, items)) {
      this.#threads.run(this.#pass, planned.pass, this.#listener(planned, outcomes))
    }
    for (const { session, tokens } of items) session.advance(tokens.length)
    return items.map((item) => outcomes.get(item) ?? new Int32Array(0))
  }

  /** Ends the other threads. Sessions may go on with this one. */
  async close(): Promise<void> {
    await this.#threads.close()
  }

  #listener({ pass, traces, ends }: PlannedPass, outcomes: Map<Item, Int32Array>): PassListener {
    const { workspace } = this.#placed
    const { vocab } = this.config
    const trace = new PassTrace(this.config, workspace, this.#arena, this.#pass, pass, traces)
    return {
      embedded: () => trace.embedded(),
      layer: (index) => trace.layer(index),
      heads: (from, count) => {
        trace.heads(from, count)
        for (let i = 0; i < count; i++) {
          const item = ends.get(pass.heads[from + i] ?? -1)
          if (item !== undefined) outcomes.set(item, this.#arena.int32(workspace.logits + 4 * vocab * i, vocab).slice())
        }
      },
    }
  }
}

function itemOf({ session, tokens, trace, headFrom = tokens.length - 1 }: Step): Item {
  if (!(session instanceof WasmSession)) throw new Error('a session of another engine')
  session.check(tokens, headFrom)
  return { session, tokens, trace, headFrom }
}
