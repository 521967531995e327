import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** What a dev chain is, and how far its making came. */
export type DevState = {
  readonly l1ChainId: number
  readonly l2ChainId: number
  readonly portal: Hex
  readonly outputOracle: Hex
  readonly batchInbox: Hex
  readonly systemConfig: Hex
  readonly multicall3: Hex
  /** Last L2 block of the seeding; absent while it is not done. */
  readonly seededAt?: number
  readonly seededItems?: number
  /** The Datanet of the community that lived here; absent while none did. */
  readonly community?: string
}

/** The state file's content, or undefined for a new directory. Throws UsageError for a broken file. */
export function readDevState(file: string): DevState | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
  try {
    return JSON.parse(text) as DevState
  } catch (cause) {
    throw new UsageError(`${file} is damaged; remove its directory to start a new chain`, { cause })
  }
}

/** Replaces the file atomically. */
export function writeDevState(file: string, state: DevState): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`)
  renameSync(`${file}.new`, file)
}
