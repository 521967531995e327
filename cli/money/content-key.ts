import { readFileSync } from 'node:fs'
import { errorMessage, UsageError } from '../../common/errors.ts'
import { fixedHex, hexToBytes } from '../../protocol/bytes.ts'

/** The key of a version's content, out of its file: 32 bytes in hex. Throws UsageError. */
export function readContentKey(path: string): Uint8Array {
  try {
    return hexToBytes(fixedHex(readFileSync(path, 'utf8').trim(), 32, 'the key'))
  } catch (cause) {
    throw new UsageError(`the key file ${path} cannot be used: ${errorMessage(cause)}`)
  }
}
