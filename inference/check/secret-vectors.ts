import { createCipheriv } from 'node:crypto'
import type { Target } from '../adapter/adapter.ts'
import { targetShape, targets } from '../adapter/adapter.ts'
import type { ModelConfig } from '../model-config.ts'
import { centred, fieldPrime } from './field.ts'

/** A linear of the model: of a layer, or the head. */
export type Linear = {
  readonly op: Target | 'head'
  /** 0 for the head. */
  readonly layer: number
  readonly rows: number
  readonly columns: number
}

/** All linears: layer after layer, then the head. */
export function linearsOf(config: ModelConfig): Linear[] {
  const layers = Array.from({ length: config.layers }, (_, layer) =>
    targets.map((op): Linear => {
      const [rows, columns] = targetShape(config, op)
      return { op, layer, rows, columns }
    }),
  )
  return [...layers.flat(), { op: 'head', layer: 0, rows: config.vocab, columns: config.dim }]
}

/** Indexes of the linears in the order in which a model file has their weights: a tied head's are the embedding's. */
export function projectionOrder(config: ModelConfig): number[] {
  const head = config.layers * targets.length
  const layers = Array.from({ length: head }, (_, i) => i)
  return config.tiedHead ? [head, ...layers] : [...layers, head]
}

export type SecretVectors = (seed: Uint8Array, index: number, rows: number) => readonly [Int32Array, Int32Array]

/** Bytes of the seed of a pair of vectors. */
export const seedBytes = 32
/** Words beside those asked for, of which those replace others that are no element of the field: each is one with 2^-31. */
const spareWords = 64

/**
 * Both secret vectors of the linear of this index: uniform elements of the field, centred, from AES-256 in counter mode under
 * the pair's seed. One seed gives independent vectors for each linear.
 */
export function secretVectors(seed: Uint8Array, index: number, rows: number): readonly [Int32Array, Int32Array] {
  const iv = new Uint8Array(16)
  new DataView(iv.buffer).setUint32(0, index)
  const stream = createCipheriv('aes-256-ctr', seed, iv).update(new Uint8Array(4 * (2 * rows + spareWords)))
  const words = new Uint32Array(stream.buffer.slice(stream.byteOffset, stream.byteOffset + stream.length))
  let spare = 2 * rows
  const element = (i: number): number => {
    let word = (words[i] ?? 0) & fieldPrime
    while (word === fieldPrime) word = nextSpare(words, spare++)
    return centred(word)
  }
  const first = Int32Array.from({ length: rows }, (_, i) => element(i))
  return [first, Int32Array.from({ length: rows }, (_, i) => element(rows + i))]
}

function nextSpare(words: Uint32Array, index: number): number {
  const word = words[index]
  // 64 of at most 2^19 words: less likely than 2^-700.
  if (word === undefined) throw new Error('a stream of words beyond the field')
  return word & fieldPrime
}
