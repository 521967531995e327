/** What of WebGPU this engine uses; its types are in a package that is not installed with the rest. */
export type GpuBuffer = {
  readonly size: number
  mapAsync(mode: number): Promise<void>
  getMappedRange(): ArrayBuffer
  unmap(): void
  destroy(): void
}

/** Opaque to us. */
export type GpuPipeline = { readonly label: string }
export type GpuBindGroup = { readonly label: string }
export type GpuLayout = { readonly label: string }
type GpuModule = { readonly label: string }

export type GpuComputePass = {
  setPipeline(pipeline: GpuPipeline): void
  setBindGroup(index: number, group: GpuBindGroup, offsets: readonly number[]): void
  dispatchWorkgroups(x: number, y?: number): void
  end(): void
}

export type GpuEncoder = {
  beginComputePass(): GpuComputePass
  copyBufferToBuffer(from: GpuBuffer, fromOffset: number, to: GpuBuffer, toOffset: number, bytes: number): void
  finish(): object
}

type BufferBinding = { readonly buffer: GpuBuffer; readonly size?: number }

export type GpuDevice = {
  readonly queue: {
    writeBuffer(buffer: GpuBuffer, offset: number, data: Uint8Array | Int32Array | Uint32Array): void
    submit(commands: readonly object[]): void
  }
  readonly lost: Promise<{ readonly message: string }>
  createBuffer(options: { size: number; usage: number }): GpuBuffer
  createShaderModule(options: { code: string }): GpuModule
  createBindGroupLayout(options: { entries: readonly object[] }): GpuLayout
  createPipelineLayout(options: { bindGroupLayouts: readonly GpuLayout[] }): GpuLayout
  createComputePipelineAsync(options: {
    layout: GpuLayout
    compute: { module: GpuModule; entryPoint: string; constants: Readonly<Record<string, number>> }
  }): Promise<GpuPipeline>
  createBindGroup(options: {
    layout: GpuLayout
    entries: readonly { readonly binding: number; readonly resource: BufferBinding }[]
  }): GpuBindGroup
  createCommandEncoder(): GpuEncoder
  pushErrorScope(kind: 'validation' | 'out-of-memory'): void
  popErrorScope(): Promise<{ readonly message: string } | null>
  destroy(): void
}

export type GpuLimits = { readonly maxStorageBufferBindingSize: number; readonly maxBufferSize: number }

export type Gpu = {
  readonly wgslLanguageFeatures: ReadonlySet<string>
  requestAdapter(): Promise<{
    readonly limits: GpuLimits
    readonly info: { readonly vendor: string; readonly architecture: string; readonly description: string }
    requestDevice(options: { requiredLimits: GpuLimits }): Promise<GpuDevice>
  } | null>
}

/** GPUBufferUsage. */
export const usage = { mapRead: 1, copySource: 4, copyTarget: 8, uniform: 64, storage: 128 } as const
/** GPUMapMode.READ. */
export const mapRead = 1
/** GPUShaderStage.COMPUTE. */
export const computeStage = 4
