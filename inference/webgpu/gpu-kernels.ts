import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceError } from '../inference-error.ts'
import { type ModelConfig, tilePositions } from '../model-config.ts'
import {
  computeStage,
  type GpuBuffer,
  type GpuDevice,
  type GpuEncoder,
  type GpuLayout,
  type GpuPipeline,
  usage,
} from './gpu-types.ts'

const files = ['int64', 'common', 'elementwise', 'linear', 'attention']
const entryPoints = ['embed', 'norm', 'quantise', 'swiGlu', 'add', 'linear', 'rope', 'attend', 'join'] as const
export type KernelName = (typeof entryPoints)[number]

/** Fields of shaders/common.wgsl, in its order. */
const paramNames = [
  'n',
  'count',
  'x',
  'y',
  'out',
  'scale',
  'accumulators',
  'stride',
  'columns',
  'weight',
  'base',
  'first',
  'layer',
  'positions',
  'tiles',
  'heads',
] as const
export type KernelParams = { readonly [Name in (typeof paramNames)[number]]?: number }

/** Uniform offsets are multiples of this. */
const paramBytes = 256
/** Dispatches of one submission. */
const dispatchesMax = 4096

/** Places in the tables' buffer. */
export type TablePlaces = { readonly sigmoid: number; readonly cos: number; readonly sin: number }

/** Buffers that a dispatch reads and writes beside the workspace. */
export type Bound = { readonly weights: GpuBuffer; readonly cache: GpuBuffer }

/** The compiled shaders of a model, and the order in which they are dispatched. */
export class GpuKernels {
  readonly #device: GpuDevice
  readonly #layout: GpuLayout
  readonly #pipelines: ReadonlyMap<KernelName, GpuPipeline>
  readonly #workspace: GpuBuffer
  readonly #tables: GpuBuffer
  readonly #params: GpuBuffer
  readonly #staged = new Uint32Array((dispatchesMax * paramBytes) / 4)
  #dispatches = 0
  #encoder: GpuEncoder | undefined

  private constructor(
    device: GpuDevice,
    layout: GpuLayout,
    pipelines: ReadonlyMap<KernelName, GpuPipeline>,
    workspace: GpuBuffer,
    tables: GpuBuffer,
  ) {
    this.#device = device
    this.#layout = layout
    this.#pipelines = pipelines
    this.#workspace = workspace
    this.#tables = tables
    this.#params = device.createBuffer({ size: dispatchesMax * paramBytes, usage: usage.uniform | usage.copyTarget })
  }

  static async compile(
    device: GpuDevice,
    config: ModelConfig,
    places: TablePlaces,
    workspace: GpuBuffer,
    tables: GpuBuffer,
  ): Promise<GpuKernels> {
    const code = files
      .map((name) => readFileSync(join(import.meta.dirname, 'shaders', `${name}.wgsl`), 'utf8'))
      .join('\n')
    const kinds = ['uniform', 'storage', 'read-only-storage', 'read-only-storage', 'storage']
    const bindings = device.createBindGroupLayout({
      entries: kinds.map((type, binding) => ({
        binding,
        visibility: computeStage,
        buffer: { type, hasDynamicOffset: binding === 0 },
      })),
    })
    const layout = device.createPipelineLayout({ bindGroupLayouts: [bindings] })
    const module = device.createShaderModule({ code })
    const constants = {
      HEADS: config.heads,
      KV_HEADS: config.kvHeads,
      HEAD_DIM: config.headDim,
      TILE: tilePositions(config),
      MULTIPLIER: config.scoreMultiplier,
      SHIFT: config.scoreShift,
      EPSILON: config.epsilon,
      INPUT_MAX: config.inputMax,
      SIGMOID: places.sigmoid,
      COS: places.cos,
      SIN: places.sin,
    }
    const pipelines = new Map<KernelName, GpuPipeline>()
    for (const entryPoint of entryPoints) {
      const options = { layout, compute: { module, entryPoint, constants } }
      pipelines.set(entryPoint, await device.createComputePipelineAsync(options))
    }
    return new GpuKernels(device, bindings, pipelines, workspace, tables)
  }

  /** Enqueues a kernel over so many workgroups. */
  dispatch(name: KernelName, params: KernelParams, bound: Bound, x: number, y = 1): void {
    const pipeline = this.#pipelines.get(name)
    if (pipeline === undefined || this.#dispatches === dispatchesMax) throw new Error(`cannot dispatch ${name}`)
    const offset = this.#dispatches++ * paramBytes
    for (const [i, field] of paramNames.entries()) this.#staged[offset / 4 + i] = params[field] ?? 0
    const buffers = [this.#params, this.#workspace, bound.weights, this.#tables, bound.cache]
    const group = this.#device.createBindGroup({
      layout: this.#layout,
      entries: buffers.map((buffer, binding) => ({
        binding,
        resource: binding === 0 ? { buffer, size: 4 * paramNames.length } : { buffer },
      })),
    })
    const pass = this.#open().beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group, [offset])
    pass.dispatchWorkgroups(x, y)
    pass.end()
  }

  /** Enqueues a copy of words between buffers. */
  copy(from: GpuBuffer, place: number, to: GpuBuffer, toPlace: number, words: number): void {
    this.#open().copyBufferToBuffer(from, 4 * place, to, 4 * toPlace, 4 * words)
  }

  /** Sends what was enqueued. Throws {@link InferenceError} `gpu` where the device refuses it. */
  async submit(): Promise<void> {
    const encoder = this.#open()
    this.#device.pushErrorScope('validation')
    this.#device.queue.writeBuffer(this.#params, 0, this.#staged.subarray(0, (this.#dispatches * paramBytes) / 4))
    this.#device.queue.submit([encoder.finish()])
    this.#encoder = undefined
    this.#dispatches = 0
    const error = await this.#device.popErrorScope()
    if (error !== null) throw new InferenceError('gpu', error.message)
  }

  #open(): GpuEncoder {
    this.#encoder ??= this.#device.createCommandEncoder()
    return this.#encoder
  }
}
