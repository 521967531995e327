import { readFileSync } from 'node:fs'
import { UsageError } from '../common/errors.ts'
import { hexToBytes } from '../protocol/bytes.ts'

/** Reads a JSON file that a flag names. Throws {@link UsageError} saying which flag and why. */
export function readJsonFile(path: string, flag: string): unknown {
  const text = readTextFile(path, flag)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new UsageError(`--${flag} ${path} is not JSON`, { cause })
  }
}

/** The 32-byte secret of a JWT file: hex, with or without 0x. Throws {@link UsageError}. */
export function readJwtSecret(path: string, flag: string): Uint8Array {
  const hex = readTextFile(path, flag).trim().replace(/^0x/, '')
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) throw new UsageError(`--${flag} ${path} must hold 64 hex digits`)
  return hexToBytes(`0x${hex}`)
}

function readTextFile(path: string, flag: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UsageError(`--${flag} ${path} cannot be read`, { cause })
  }
}
