import type { Engine, Session } from '../engine.ts'
import type { CanonicalModel } from '../model.ts'
import { checkConfig, type ModelConfig } from '../model-config.ts'
import { Arena } from './arena.ts'
import { ForwardPass } from './forward-pass.ts'
import { loadKernels } from './kernels.ts'
import { placeModel } from './placed-model.ts'
import { WasmSession } from './wasm-session.ts'
import { takeWorkspace } from './workspace.ts'

/** The model on SIMD kernels in WebAssembly, positions in batches. Bit-identical to the oracle. */
export class WasmEngine implements Engine {
  readonly config: ModelConfig
  readonly #arena = new Arena()
  readonly #pass: ForwardPass
  /** Caches of closed sessions. */
  readonly #free: number[] = []

  constructor(model: CanonicalModel) {
    checkConfig(model.config)
    this.config = model.config
    const placed = placeModel(model, this.#arena)
    const workspace = takeWorkspace(model.config, this.#arena)
    this.#pass = new ForwardPass(model.config, placed, workspace, this.#arena, loadKernels(this.#arena.memory))
  }

  start(): Session {
    const cache = this.#free.pop() ?? this.#arena.take(this.#pass.cacheBytes)
    return new WasmSession(this.#pass, cache, () => this.#free.push(cache))
  }
}
