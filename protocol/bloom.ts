import { keccak256 } from './keccak.ts'
import type { Log } from './receipt.ts'

export const bloomBytes = 256

/** The 2048-bit filter over the addresses and topics of logs. Source: yellow paper, equation for M3:2048. */
export function logsBloom(logs: readonly Log[]): Uint8Array {
  const bloom = new Uint8Array(bloomBytes)
  for (const log of logs) {
    addToBloom(bloom, log.address)
    for (const topic of log.topics) addToBloom(bloom, topic)
  }
  return bloom
}

/** Ors `other` into `bloom`. */
export function orBloom(bloom: Uint8Array, other: Uint8Array): void {
  for (let i = 0; i < bloomBytes; i++) bloom[i] = (bloom[i] ?? 0) | (other[i] ?? 0)
}

/** False only where `value` (an address or topic) is certainly in no log. */
export function bloomMayContain(bloom: Uint8Array, value: Uint8Array): boolean {
  return bits(value).every((bit) => ((bloom[255 - (bit >> 3)] ?? 0) & (1 << (bit & 7))) !== 0)
}

function addToBloom(bloom: Uint8Array, value: Uint8Array): void {
  for (const bit of bits(value)) {
    const at = 255 - (bit >> 3)
    bloom[at] = (bloom[at] ?? 0) | (1 << (bit & 7))
  }
}

function bits(value: Uint8Array): number[] {
  const hash = keccak256(value)
  return [0, 2, 4].map((i) => (((hash[i] ?? 0) << 8) | (hash[i + 1] ?? 0)) & 2047)
}
