import { FormatError } from './bytes.ts'
import { recoverAddress, recoverPublicKey, signDigest } from './secp256k1.ts'

export const compactSignatureBytes = 64

/** Signs with 64 bytes `r ‖ vs`, `vs` the parity in the first bit of s. Spec: EIP-2098. */
export function signCompact(digest: Uint8Array, privateKey: Uint8Array): Uint8Array {
  const { rs, yParity } = signDigest(digest, privateKey)
  const signature = rs.slice()
  signature[32] = (signature[32] ?? 0) | (yParity << 7)
  return signature
}

/** The 20-byte address that signed `digest`. Throws {@link FormatError} where no key can have. */
export function recoverCompact(digest: Uint8Array, signature: Uint8Array): Uint8Array {
  const { rs, yParity } = splitCompact(signature)
  return recoverAddress(digest, rs, yParity)
}

/** The 33-byte public key of whoever made the signature. */
export function recoverCompactKey(digest: Uint8Array, signature: Uint8Array): Uint8Array {
  const { rs, yParity } = splitCompact(signature)
  return recoverPublicKey(digest, rs, yParity)
}

function splitCompact(signature: Uint8Array): { readonly rs: Uint8Array; readonly yParity: number } {
  if (signature.length !== compactSignatureBytes) throw new FormatError(`a signature of ${signature.length} bytes`)
  // `slice` of a Buffer is no copy, and the signature is the caller's.
  const rs = new Uint8Array(signature)
  const top = rs[32] ?? 0
  rs[32] = top & 0x7f
  return { rs, yParity: top >> 7 }
}
