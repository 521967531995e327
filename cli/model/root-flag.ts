import { fixedHex, type Hex } from '../../protocol/bytes.ts'

/** A flag that is a model's root. */
export function asRoot(text: string): Hex {
  try {
    return fixedHex(text.toLowerCase(), 32, 'root')
  } catch {
    throw new Error('must be 32 bytes as 0x and 64 hex digits')
  }
}
