import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { InferenceError } from '../inference-error.ts'
import type { Gpu, GpuDevice } from './gpu-types.ts'

export const webgpuPackage = 'webgpu@0.6.2'
/** Where `npx tsx scripts/get-webgpu.ts` installs the package: 132 MB for five platforms, so not with the rest. */
export const webgpuFolder = resolve(import.meta.dirname, '../../node_modules/.cache/openledger-webgpu')

/** Dawn crashes when the object that `create` gave is collected. */
const kept: Gpu[] = []

export type OpenGpu = {
  readonly device: GpuDevice
  /** Vendor and model, as the driver says. */
  readonly name: string
  readonly bindingBytesMax: number
}

/** The first GPU. Throws {@link InferenceError} `gpu` where the package, a driver or what we need of it is missing. */
export async function openGpu(): Promise<OpenGpu> {
  const gpu = await loadWebGpu()
  kept.push(gpu)
  const adapter = await gpu.requestAdapter()
  if (adapter === null) throw new InferenceError('gpu', 'no GPU with a Vulkan, Metal or D3D12 driver')
  if (!gpu.wgslLanguageFeatures.has('packed_4x8_integer_dot_product')) {
    throw new InferenceError('gpu', 'the GPU has no packed int8 products')
  }
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits
  const device = await adapter.requestDevice({ requiredLimits: { maxStorageBufferBindingSize, maxBufferSize } })
  const { vendor, architecture, description } = adapter.info
  return { device, name: `${vendor} ${architecture} ${description}`, bindingBytesMax: maxStorageBufferBindingSize }
}

async function loadWebGpu(): Promise<Gpu> {
  try {
    const file = createRequire(join(webgpuFolder, 'package.json')).resolve('webgpu')
    const { create }: { create(options: readonly string[]): Gpu } = await import(pathToFileURL(file).href)
    return create([])
  } catch (cause) {
    throw new InferenceError('gpu', 'WebGPU is not installed: npx tsx scripts/get-webgpu.ts', { cause })
  }
}
