import { createHash } from 'node:crypto'
import { bytesToHex, type Hex, uintBytes } from '../../../protocol/bytes.ts'

/** Bytes of a leaf, the piece in which a proof is pulled, checked and resumed. */
export const leafBytes = 65_536

/** Leaves of a proof of so many bytes. */
export const leafCount = (size: number): number => Math.ceil(size / leafBytes)

/** `SHA-256(0x00 ‖ index u32 ‖ bytes)`. */
export function leafHash(index: number, bytes: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(0), uintBytes(index, 4), bytes)
}

/**
 * The name of a proof: `SHA-256(0x05 ‖ size u64 ‖ root)`. The root is that of the SHA-256 tree over its leaves, nodes
 * `0x01 ‖ left ‖ right`, an odd node goes up unchanged. The size is part of it, so that no list of leaves has two names.
 */
export function proofHashOf(size: number, leaves: readonly Uint8Array[]): Hex {
  let level = leaves
  while (level.length > 1) {
    const above: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      const [left = empty, right] = [level[i], level[i + 1]]
      above.push(right === undefined ? left : sha256(Uint8Array.of(1), left, right))
    }
    level = above
  }
  return bytesToHex(sha256(Uint8Array.of(5), uintBytes(size, 8), level[0] ?? empty))
}

const empty = new Uint8Array(32)

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}
