import { bytesToHex, FormatError, type Hex } from '../../../protocol/bytes.ts'
import { Container } from '../wire/container.ts'
import { leafBytes } from './proof-tree.ts'

/** What `/proof/1` is asked: leaves of a proof from one on, or the announcements since a time. */
export type ProofRequest =
  | { readonly kind: 'pull'; readonly proofHash: Hex; readonly fromLeaf: number; readonly wantsLeaves: boolean }
  | { readonly kind: 'list'; readonly sinceSeconds: number }

const requestFields = new Container([
  ['kind', 'uint8'],
  ['proofHash', 'bytes32'],
  ['fromLeaf', 'uint32'],
  ['wantsLeaves', 'uint8'],
  ['since', 'uint64'],
] as const)
export const proofRequestBytes = requestFields.byteLength

export function encodeProofRequest(request: ProofRequest): Uint8Array {
  if (request.kind === 'list') {
    const since = BigInt(request.sinceSeconds)
    return requestFields.encode({ kind: 1, proofHash: zeros, fromLeaf: 0, wantsLeaves: 0, since })
  }
  const { proofHash, fromLeaf, wantsLeaves } = request
  return requestFields.encode({ kind: 0, proofHash, fromLeaf, wantsLeaves: wantsLeaves ? 1 : 0, since: 0n })
}

/** Throws {@link FormatError}. */
export function decodeProofRequest(bytes: Uint8Array): ProofRequest {
  const { kind, proofHash, fromLeaf, wantsLeaves, since } = requestFields.decode(bytes)
  if (kind === 0 && wantsLeaves <= 1 && since === 0n) {
    return { kind: 'pull', proofHash, fromLeaf, wantsLeaves: wantsLeaves === 1 }
  }
  const isList = kind === 1 && proofHash === zeros && fromLeaf === 0 && wantsLeaves === 0
  if (!isList || since > BigInt(Number.MAX_SAFE_INTEGER)) throw new FormatError(`a proof request of kind ${kind}`)
  return { kind: 'list', sinceSeconds: Number(since) }
}

export const proofStatuses = ['found', 'unknown', 'busy'] as const
export type ProofHead = {
  readonly status: (typeof proofStatuses)[number]
  readonly size: number
  readonly retryAfterMs: number
}

const headFields = new Container([
  ['status', 'uint8'],
  ['size', 'uint32'],
  ['retryAfterMs', 'uint32'],
] as const)
export const proofHeadBytes = headFields.byteLength

export function encodeProofHead({ status, size, retryAfterMs }: ProofHead): Uint8Array {
  return headFields.encode({ status: proofStatuses.indexOf(status), size, retryAfterMs })
}

/** Throws {@link FormatError}. */
export function decodeProofHead(bytes: Uint8Array): ProofHead {
  const { status, size, retryAfterMs } = headFields.decode(bytes)
  const name = proofStatuses[status]
  if (name === undefined) throw new FormatError(`status ${status} of a proof`)
  return { status: name, size, retryAfterMs }
}

/** The list of leaf hashes. Throws {@link FormatError} for another number of them. */
export function decodeLeaves(bytes: Uint8Array, count: number): Uint8Array[] {
  if (bytes.length !== 32 * count) throw new FormatError(`${bytes.length} bytes where ${count} hashes belong`)
  return Array.from({ length: count }, (_, i) => bytes.slice(32 * i, 32 * (i + 1)))
}

/** Bytes of leaf `index` of a proof. */
export function bytesOfLeaf(size: number, index: number): number {
  return Math.min(leafBytes, size - index * leafBytes)
}

const zeros = bytesToHex(new Uint8Array(32))
