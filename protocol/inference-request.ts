import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes, padLeft, uintBytes } from './bytes.ts'
import { hashStruct, type StructTypes } from './eip712.ts'
import { keccak256 } from './keccak.ts'
import { moneyDigest } from './money-domain.ts'

/** A LoRA adapter by the root of its weights, and how much of it. */
export type Adapter = { readonly root: Hex; readonly weight: number }

/** How the next token is chosen; numbers in 16.16 fixed point. */
export type Sampling = {
  readonly tempQ16: number
  readonly topK: number
  readonly topPQ16: number
  readonly maxTokens: number
  readonly stopHash: Hex
}

/** What a payer asks for. docs/MONEY.md §2. */
export type InferenceRequest = {
  readonly chainId: bigint
  readonly payer: Hex
  readonly nonce: bigint
  /** See {@link modelVersionHash}. */
  readonly modelVersion: Hex
  readonly adapters: readonly Adapter[]
  readonly templateHash: Hex
  /** Root of the prompt's token list. */
  readonly promptRoot: Hex
  readonly sampling: Sampling
  /** Proof class. */
  readonly class: number
  readonly priceVersion: number
  /** wei. */
  readonly maxFee: bigint
  /** Keccak-256 of the ERC-8021 code's ASCII; zero where there is none. */
  readonly appCode: Hex
  /** Unix seconds. */
  readonly deadline: bigint
}

export const requestTypes: StructTypes = {
  Request: [
    ['chainId', 'uint256'],
    ['payer', 'address'],
    ['nonce', 'uint64'],
    ['modelVersion', 'bytes32'],
    ['adapters', 'Adapter[]'],
    ['templateHash', 'bytes32'],
    ['promptRoot', 'bytes32'],
    ['sampling', 'Sampling'],
    ['class', 'uint8'],
    ['priceVersion', 'uint32'],
    ['maxFee', 'uint128'],
    ['appCode', 'bytes32'],
    ['deadline', 'uint64'],
  ],
  Adapter: [
    ['root', 'bytes32'],
    ['weight', 'uint16'],
  ],
  Sampling: [
    ['tempQ16', 'uint32'],
    ['topK', 'uint16'],
    ['topPQ16', 'uint32'],
    ['maxTokens', 'uint32'],
    ['stopHash', 'bytes32'],
  ],
}

export function requestStructHash(request: InferenceRequest): Uint8Array {
  return hashStruct(requestTypes, 'Request', request)
}

/** A request's id is its EIP-712 digest on the chain that it names. */
export function requestIdOf(request: InferenceRequest): Hex {
  return bytesToHex(moneyDigest(request.chainId, requestStructHash(request)))
}

/** A request with its lists by hash, as contracts open it: however long they are, that costs the same. */
export type OpenedRequest = Omit<InferenceRequest, 'adapters' | 'sampling'> & {
  readonly adaptersHash: Hex
  readonly samplingHash: Hex
}

export function openedRequest({ adapters, sampling, ...rest }: InferenceRequest): OpenedRequest {
  const hashes = adapters.map((adapter) => hashStruct(requestTypes, 'Adapter', adapter))
  const samplingHash = bytesToHex(hashStruct(requestTypes, 'Sampling', sampling))
  return { ...rest, adaptersHash: bytesToHex(keccak256(concatBytes(...hashes))), samplingHash }
}

/** `modelId u64 ‖ version u32`, right-aligned in 32 bytes. */
export function modelVersionHash(modelId: bigint, version: number): Hex {
  return bytesToHex(padLeft(concatBytes(uintBytes(modelId, 8), uintBytes(version, 4)), 32))
}

/** Throws {@link FormatError} for what names no model version. */
export function parseModelVersion(hash: Hex): { modelId: bigint; version: number } {
  const bytes = hexToBytes(hash)
  if (bytes.length !== 32 || bytes.subarray(0, 20).some((byte) => byte !== 0)) {
    throw new FormatError(`not a model version: ${hash}`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return { modelId: view.getBigUint64(20), version: view.getUint32(28) }
}
