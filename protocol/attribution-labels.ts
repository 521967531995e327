import { bytesToHex, FormatError, type Hex } from './bytes.ts'
import { decodeSuffix } from './erc8021.ts'
import { innerCalls } from './inner-calls.ts'
import { decodeOlPayload, type OlPayload } from './ol-payload.ts'

/** An attribution label found in a transaction. */
export type AttributionLabel = {
  /** Where: empty for the transaction's own input, else the index of the call at each level, outermost first. */
  readonly path: readonly number[]
  readonly code?: string | undefined
  readonly services: readonly string[]
  /** Absent where the suffix carries none, or one of an unknown version. */
  readonly payload?: OlPayload | undefined
  /** Why the suffix or its payload cannot be read; such a label is recorded and means nothing. */
  readonly malformed?: string | undefined
}

/** Calls inside calls that are looked into. */
export const labelDepthMax = 4
/** Calls of one transaction that are looked at. */
export const labelCallsMax = 1024

/**
 * All labels of a transaction, from the outermost call inwards: the suffix of its input, of each call in ERC-4337
 * bundles, Safe executions, multicalls and ERC-7821/7579 batches. Never throws: what cannot be read is skipped or
 * reported as malformed.
 */
export function attributionLabels(to: Hex | undefined, input: Uint8Array): AttributionLabel[] {
  const labels: AttributionLabel[] = []
  let looked = 0
  const look = (target: Hex | undefined, data: Uint8Array, path: readonly number[]) => {
    if (++looked > labelCallsMax) return
    const label = labelOf(data, path)
    if (label !== undefined) labels.push(label)
    if (path.length >= labelDepthMax) return
    for (const [index, call] of innerCalls(target, data).entries()) look(call.to, call.data, [...path, index])
  }
  look(to, input, [])
  return labels
}

function labelOf(data: Uint8Array, path: readonly number[]): AttributionLabel | undefined {
  let suffix: ReturnType<typeof decodeSuffix>
  try {
    suffix = decodeSuffix(data)
    if (suffix === undefined) return undefined
    const payload = suffix.ol === undefined ? undefined : decodeOlPayload(suffix.ol)
    return { path, code: suffix.code, services: suffix.services ?? [], payload }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return { path, services: [], malformed: error.message }
  }
}

/** The path as text: `0.2` is the third call of the first call. */
export function labelPath(path: readonly number[]): string {
  return path.join('.')
}

/** Hex of an optional field, for storage. */
export function optionalHex(bytes: Uint8Array | undefined): Hex | undefined {
  return bytes === undefined ? undefined : bytesToHex(bytes)
}
