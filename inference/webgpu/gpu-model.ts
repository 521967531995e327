import { InferenceError } from '../inference-error.ts'
import type { CanonicalModel, Layer, Matrix } from '../model.ts'
import type { TablePlaces } from './gpu-kernels.ts'
import { type GpuBuffer, usage } from './gpu-types.ts'
import type { OpenGpu } from './open-gpu.ts'

/** A matrix on the GPU: weights, four to a word, then row scales from word `base` on. */
export type GpuMatrix = {
  readonly rows: number
  readonly columns: number
  readonly buffer: GpuBuffer
  readonly base: number
}

type Uploaded<Part> = { readonly [Name in keyof Part]: Part[Name] extends Matrix ? GpuMatrix : GpuBuffer }

export type GpuModel = {
  readonly embedding: GpuMatrix
  readonly layers: readonly Uploaded<Layer>[]
  readonly finalNorm: GpuBuffer
  readonly head: GpuMatrix
  readonly tables: GpuBuffer
  readonly places: TablePlaces
}

export function uploadModel(gpu: OpenGpu, model: CanonicalModel): GpuModel {
  const { expTable, sigmoidTable, ropeCos, ropeSin, head } = model
  const lists = [expTable, sigmoidTable, ropeCos, ropeSin].map((list) => Int32Array.from(list))
  const [sigmoid, cos, sin] = [
    expTable.length,
    expTable.length + sigmoidTable.length,
    expTable.length + sigmoidTable.length + ropeCos.length,
  ]
  const embedding = uploadMatrix(gpu, model.embedding)
  return {
    embedding,
    layers: model.layers.map((layer) => ({
      attentionNorm: upload(gpu, [bytesOf(layer.attentionNorm)]),
      query: uploadMatrix(gpu, layer.query),
      key: uploadMatrix(gpu, layer.key),
      value: uploadMatrix(gpu, layer.value),
      output: uploadMatrix(gpu, layer.output),
      ffnNorm: upload(gpu, [bytesOf(layer.ffnNorm)]),
      gate: uploadMatrix(gpu, layer.gate),
      up: uploadMatrix(gpu, layer.up),
      down: uploadMatrix(gpu, layer.down),
    })),
    finalNorm: upload(gpu, [bytesOf(model.finalNorm)]),
    head: uploadMatrix(gpu, head),
    tables: upload(gpu, lists.map(bytesOf)),
    places: { sigmoid, cos, sin },
  }
}

/** Throws {@link InferenceError} `gpu` for one that is larger than what the GPU binds. */
export function uploadMatrix(gpu: OpenGpu, { rows, columns, weights, scales }: Matrix): GpuMatrix {
  const buffer = upload(gpu, [bytesOf(weights), bytesOf(scales)])
  return { rows, columns, buffer, base: (rows * columns) / 4 }
}

function upload({ device, bindingBytesMax }: OpenGpu, parts: readonly Uint8Array[]): GpuBuffer {
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  if (size > bindingBytesMax)
    throw new InferenceError('gpu', `a matrix of ${size} bytes; the GPU binds ${bindingBytesMax}`)
  const buffer = device.createBuffer({ size, usage: usage.storage | usage.copyTarget })
  let offset = 0
  for (const part of parts) {
    device.queue.writeBuffer(buffer, offset, part)
    offset += part.length
  }
  return buffer
}

function bytesOf({ buffer, byteOffset, byteLength }: Int8Array | Int32Array | Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
