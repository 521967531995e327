import { checkSlots, type Slot, type Target, targets } from '../adapter/adapter.ts'
import { checkTokens, type SessionOptions } from '../engine.ts'
import { InferenceError } from '../inference-error.ts'
import type { CanonicalModel } from '../model.ts'
import { checkConfig, type ModelConfig } from '../model-config.ts'
import type { Trace } from '../trace.ts'
import { GpuKernels } from './gpu-kernels.ts'
import { type GpuModel, uploadMatrix, uploadModel } from './gpu-model.ts'
import { type GpuBatch, GpuPass, type GpuSessionState, type GpuSlot } from './gpu-pass.ts'
import { GpuTrace } from './gpu-trace.ts'
import { type GpuBuffer, mapRead, usage } from './gpu-types.ts'
import { type GpuWorkspace, gpuWorkspace, rowsOfBatch } from './gpu-workspace.ts'
import { type OpenGpu, openGpu } from './open-gpu.ts'

/** A conversation on the GPU, as `Session`; answers come later. */
export type GpuSession = {
  readonly length: number
  append(tokens: readonly number[], trace?: Trace, headFrom?: number): Promise<Int32Array>
  close(): void
}

/** The model on a GPU, whole layers at a time; bit-identical to the oracle. One batch is on its way at a time. */
export class WebGpuEngine {
  readonly config: ModelConfig
  /** As the driver calls it. */
  readonly name: string
  readonly #gpu: OpenGpu
  readonly #at: GpuWorkspace
  readonly #workspace: GpuBuffer
  readonly #kernels: GpuKernels
  readonly #pass: GpuPass
  /** Settles when the batches so far are done. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(
    config: ModelConfig,
    gpu: OpenGpu,
    model: GpuModel,
    at: GpuWorkspace,
    workspace: GpuBuffer,
    kernels: GpuKernels,
  ) {
    this.config = config
    this.name = gpu.name
    this.#gpu = gpu
    this.#at = at
    this.#workspace = workspace
    this.#kernels = kernels
    this.#pass = new GpuPass(config, model, at, kernels)
  }

  /** Throws {@link InferenceError} `gpu` where there is none that can run the model. */
  static async open(model: CanonicalModel): Promise<WebGpuEngine> {
    const { config } = model
    checkConfig(config)
    const gpu = await openGpu()
    const uploaded = uploadModel(gpu, model)
    const at = gpuWorkspace(config)
    const buffer = { size: 4 * at.words, usage: usage.storage | usage.copySource | usage.copyTarget }
    if (buffer.size > gpu.bindingBytesMax) throw new InferenceError('gpu', `a workspace of ${buffer.size} bytes`)
    const workspace = gpu.device.createBuffer(buffer)
    const kernels = await GpuKernels.compile(gpu.device, config, uploaded.places, workspace, uploaded.tables)
    return new WebGpuEngine(config, gpu, uploaded, at, workspace, kernels)
  }

  /** Throws {@link InferenceError} for adapters that the model cannot take, and `memory` where there is no room. */
  start({ slots = [], positions = this.config.context }: SessionOptions = {}): GpuSession {
    checkSlots(this.config, slots)
    const { layers, kvHeads, headDim } = this.config
    const size = 8 * layers * kvHeads * positions * headDim
    if (size > this.#gpu.bindingBytesMax) throw new InferenceError('memory', `a cache of ${size} bytes`)
    const cache = this.#gpu.device.createBuffer({ size, usage: usage.storage | usage.copySource })
    const state = { cache, positions, slots: slots.map((slot) => uploadSlot(this.#gpu, slot)) }
    let [length, isClosed] = [0, false]
    const append = async (tokens: readonly number[], trace: Trace | undefined, headFrom: number) => {
      if (isClosed) throw new Error('the session is closed')
      checkTokens({ ...this.config, context: positions }, length, tokens, headFrom)
      const logits = await this.#append(state, length, tokens, trace, headFrom)
      length += tokens.length
      return logits
    }
    return {
      get length() {
        return length
      },
      append: (tokens, trace, headFrom = tokens.length - 1) => this.#inTurn(() => append(tokens, trace, headFrom)),
      close: () => {
        isClosed = true
        void this.#inTurn(async () => release(state))
      },
    }
  }

  /** Gives the GPU back. */
  async close(): Promise<void> {
    await this.#inTurn(async () => this.#gpu.device.destroy())
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }

  async #append(
    session: GpuSessionState,
    length: number,
    tokens: readonly number[],
    trace: Trace | undefined,
    headFrom: number,
  ): Promise<Int32Array> {
    const rows = rowsOfBatch(this.config, length + tokens.length - 1)
    let logits: Int32Array = new Int32Array(0)
    for (let start = 0; start < tokens.length; start += rows) {
      const part = tokens.slice(start, start + rows)
      const batch = { session, first: length + start, count: part.length }
      this.#gpu.device.queue.writeBuffer(this.#workspace, 4 * this.#at.tokens, Int32Array.from(part))
      await this.#layers(batch, trace)
      // Without a trace only the last head is looked at.
      const from = trace === undefined ? Math.max(headFrom, tokens.length - 1) : headFrom
      for (let row = Math.max(0, from - start); row < part.length; row++) logits = await this.#head(batch, row, trace)
    }
    return logits
  }

  async #layers(batch: GpuBatch, trace: Trace | undefined): Promise<void> {
    const teller = trace === undefined ? undefined : new GpuTrace(this.config, this.#at, batch, trace)
    this.#pass.embed(batch)
    if (teller !== undefined) teller.embedded(await this.#read(0, this.#at.headNormed))
    for (let layer = 0; layer < this.config.layers; layer++) {
      this.#pass.layer(batch, layer)
      if (teller === undefined) continue
      const cached = await this.#readCached(batch, layer)
      teller.layer(layer, await this.#read(0, this.#at.headNormed), cached)
    }
    await this.#kernels.submit()
  }

  async #head(batch: GpuBatch, row: number, trace: Trace | undefined): Promise<Int32Array> {
    const at = this.#at
    this.#pass.head(batch, row)
    const words = await this.#read(at.headNormed, at.words - at.headNormed)
    if (trace !== undefined) new GpuTrace(this.config, at, batch, trace).head(row, words)
    return words.slice(at.logits - at.headNormed, at.logits - at.headNormed + this.config.vocab)
  }

  /** Words of the workspace after all that was enqueued. */
  #read(from: number, words: number): Promise<Int32Array> {
    return this.#readBack(words, (to) => this.#kernels.copy(this.#workspace, from, to, 0, words))
  }

  #readCached({ session, first, count }: GpuBatch, layer: number): Promise<Int32Array> {
    const { kvHeads, headDim } = this.config
    const words = count * headDim
    return this.#readBack(2 * kvHeads * words, (to) => {
      for (let i = 0; i < 2 * kvHeads; i++) {
        const from = ((layer * 2 * kvHeads + i) * session.positions + first) * headDim
        this.#kernels.copy(session.cache, from, to, i * words, words)
      }
    })
  }

  async #readBack(words: number, copy: (to: GpuBuffer) => void): Promise<Int32Array> {
    const staging = this.#gpu.device.createBuffer({ size: 4 * words, usage: usage.mapRead | usage.copyTarget })
    try {
      copy(staging)
      await this.#kernels.submit()
      await staging.mapAsync(mapRead)
      const copied = new Int32Array(staging.getMappedRange()).slice()
      staging.unmap()
      return copied
    } finally {
      staging.destroy()
    }
  }
}

function uploadSlot(gpu: OpenGpu, { adapter, weight }: Slot): GpuSlot {
  const layers = adapter.layers.map((layer) => {
    const pairs = targets.flatMap((target) => {
      const pair = layer[target]
      if (pair === undefined) return []
      return [[target, { down: uploadMatrix(gpu, pair.down), up: uploadMatrix(gpu, pair.up) }] as const]
    })
    return new Map<Target, (typeof pairs)[number][1]>(pairs)
  })
  return { rank: adapter.rank, weight, layers }
}

function release({ cache, slots }: GpuSessionState): void {
  cache.destroy()
  for (const { layers } of slots) {
    for (const { down, up } of layers.flatMap((layer) => [...layer.values()])) {
      down.buffer.destroy()
      up.buffer.destroy()
    }
  }
}
