import { createHash } from 'node:crypto'
import { bytesToHex, concatBytes, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { InferenceError } from '../inference-error.ts'

/** Most stop strings of a request, and bytes of each. docs/canonical-inference.md §11. */
export const stopsMax = 4
export const stopBytesMax = 32

/** Stop strings as a request commits to them: strictly ascending. Throws {@link InferenceError} for too many or too long ones. */
export function stopList(strings: readonly (string | Uint8Array)[]): Uint8Array[] {
  const bytes = strings.map((text) => (typeof text === 'string' ? new TextEncoder().encode(text) : text))
  const sorted = bytes.toSorted(Buffer.compare)
  const unique = sorted.filter((stop, i) => i === 0 || Buffer.compare(stop, sorted[i - 1] ?? stop) !== 0)
  checkStops(unique)
  return unique
}

/** `SHA-256(0x05 ‖ n u8 ‖ (length u8 ‖ bytes) …)`, the zero word for none. */
export function stopHash(stops: readonly Uint8Array[]): Hex {
  checkStops(stops)
  if (stops.length === 0) return zeroHash
  return bytesToHex(createHash('sha256').update(Uint8Array.of(5)).update(stopBytes(stops)).digest())
}

/** `n u8 ‖ (length u8 ‖ bytes) …`. */
export function stopBytes(stops: readonly Uint8Array[]): Uint8Array {
  const items = stops.map((stop) => concatBytes(Uint8Array.of(stop.length), stop))
  return concatBytes(Uint8Array.of(stops.length), ...items)
}

/** Throws {@link InferenceError} for what no request may name. */
export function checkStops(stops: readonly Uint8Array[]): void {
  if (stops.length > stopsMax) throw new InferenceError('stop', `${stops.length} stop strings, at most ${stopsMax}`)
  for (const [i, stop] of stops.entries()) {
    if (stop.length < 1 || stop.length > stopBytesMax) {
      throw new InferenceError('stop', `a stop string of ${stop.length} bytes, must be 1 to ${stopBytesMax}`)
    }
    const before = stops[i - 1]
    if (before !== undefined && Buffer.compare(before, stop) >= 0) {
      throw new InferenceError('stop', 'stop strings are not in ascending order')
    }
  }
}
