import { createHash } from 'node:crypto'
import { concatBytes, uintBytes } from '../../protocol/bytes.ts'

const domain = new TextEncoder().encode('openledger training')

/** What words are for: two uses never have the same ones. */
export const uses = { start: 0, order: 1 } as const

/**
 * u32 numbers that the seed fixes: those of SHA-256(domain ‖ seed u32 ‖ use u32 ‖ round u32 ‖ counter u32), eight a hash, counter
 * 0, 1, … docs/GRADIENTS.md §4.
 */
export function seededWords(seed: number, use: number, round: number, count: number): Uint32Array {
  const out = new Uint32Array(count)
  for (let i = 0; i < count; i += 8) {
    const fields = [seed, use, round, i / 8].map((value) => uintBytes(value, 4))
    const digest = createHash('sha256')
      .update(concatBytes(domain, ...fields))
      .digest()
    for (let j = 0; j < 8 && i + j < count; j++) out[i + j] = digest.readUInt32BE(4 * j)
  }
  return out
}

/** 0 … count − 1 in the order of round `round`: by word, equal ones by number. */
export function seededOrder(seed: number, round: number, count: number): number[] {
  const words = seededWords(seed, uses.order, round, count)
  const list = Array.from({ length: count }, (_, i) => i)
  return list.sort((a, b) => (words[a] as number) - (words[b] as number) || a - b)
}
