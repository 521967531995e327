import { peerIdOfKey } from '../../p2p/peers/peer-address.ts'
import type { Capability } from '../../p2p/workers/wire/messages.ts'
import { concatBytes, FormatError, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { TokenSeal } from '../../protocol/private-tokens.ts'
import { ProxyError } from './proxy-error.ts'

/** How a request is sealed: for the host that the worker's signed capability names, and for no other of its hosts. */
export type PrivateJob = { readonly seal: TokenSeal; readonly templateHash: Hex; readonly host: string }

/** Throws {@link ProxyError} for stop strings, which would be told, and a worker whose key is none. */
export function sealFor(
  { keyPrefix, keyX }: Pick<Capability, 'keyPrefix' | 'keyX'>,
  stops: readonly Uint8Array[],
): PrivateJob {
  if (stops.length > 0) throw new ProxyError('invalid_request_error', 'a private request has no stop strings')
  const hostKey = concatBytes(Uint8Array.of(keyPrefix), hexToBytes(keyX))
  try {
    return { ...TokenSeal.make(hostKey), host: peerIdOfKey(hostKey) }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new ProxyError('worker_failed', `the worker tells no key to seal for: ${error.message}`)
  }
}
