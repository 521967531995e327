import { createHash } from 'node:crypto'
import { ContentPeers } from '../../common/content-peers.ts'
import { bytesToHex, equalBytes, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import type { LedgerBook } from './ledger-book.ts'
import { openRequests } from './open-requests.ts'

/**
 * What a request opened on chain names by its hash and does not show: `prompt`, u32 big-endian a token, under `promptRoot`; `stops`,
 * `05 ‖ n u8 ‖ (length u8 ‖ bytes) …`, under `stopHash`. docs/WORKER-NETWORK.md §11.
 */
export type RequestFileKind = 'prompt' | 'stops'

/** Bytes of a prompt: 131,072 tokens. */
export const promptBytesMax = 4 * 131_072
/** Bytes of four stop strings of 32 bytes. */
const stopsBytesMax = 2 + 4 * 33

export function promptFile(tokens: Uint32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * tokens.length))
  for (const [i, token] of tokens.entries()) view.setUint32(4 * i, token)
  return new Uint8Array(view.buffer)
}

/** Tokens of a prompt's file. Of bytes that are none of its own the last ones are left out. */
export function promptTokens(file: Uint8Array): Uint32Array {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  return Uint32Array.from({ length: Math.floor(file.length / 4) }, (_, i) => view.getUint32(4 * i))
}

/** True where the bytes are the file of that name. */
export function isRequestFile(kind: RequestFileKind, name: Hex, bytes: Uint8Array): boolean {
  if (kind === 'stops') return bytes.length <= stopsBytesMax && sha256(bytes) === name
  if (bytes.length > promptBytesMax || bytes.length % 4 !== 0) return false
  return equalBytes(tokenListRoot(promptTokens(bytes)), hexToBytes(name))
}

/** Which file of an open request has the name; undefined: none. */
export function namedByRequest(book: LedgerBook, name: Hex): RequestFileKind | undefined {
  for (const { request } of openRequests(book)) {
    if (request.promptRoot === name) return 'prompt'
    if (request.sampling.stopHash === name) return 'stops'
  }
  return undefined
}

const timeoutMs = 20_000

/** The file from the first node that has it, where payers give it away; undefined where nobody has it now. */
export async function fetchRequestFile(
  kind: RequestFileKind,
  name: Hex,
  { urls, signal }: { readonly urls: readonly string[]; readonly signal: AbortSignal },
): Promise<Uint8Array | undefined> {
  const rootOf = (bytes: Uint8Array) => (isRequestFile(kind, name, bytes) ? name : absent)
  return await new ContentPeers({ urls, timeoutMs }, rootOf).get(name, signal)
}

const absent: Hex = '0x'

function sha256(bytes: Uint8Array): Hex {
  return bytesToHex(createHash('sha256').update(bytes).digest())
}
