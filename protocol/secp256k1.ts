import secp256k1 from 'secp256k1'
import { bytesToBigint, FormatError } from './bytes.ts'
import { keccak256 } from './keccak.ts'

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const halfOrder = order >> 1n

/** An ECDSA signature over secp256k1. */
export type Signature = { readonly r: bigint; readonly s: bigint; readonly yParity: 0 | 1 }

/**
 * The 20-byte address that signed `digest`. `lowS` refuses s above half the order (EIP-2, Homestead).
 * Throws {@link FormatError} where no key can have made the signature.
 */
export function recoverAddress(digest: Uint8Array, rs: Uint8Array, yParity: number, lowS = true): Uint8Array {
  const r = bytesToBigint(rs.subarray(0, 32))
  const s = bytesToBigint(rs.subarray(32, 64))
  if (r === 0n || r >= order || s === 0n || s >= order) throw new FormatError('signature r or s out of range')
  if (lowS && s > halfOrder) throw new FormatError('signature s above half the order')
  if (yParity !== 0 && yParity !== 1) throw new FormatError(`signature parity ${yParity}`)
  let key: Uint8Array
  try {
    key = secp256k1.ecdsaRecover(rs, yParity, digest, false)
  } catch (cause) {
    throw new FormatError('signature recovers no key', { cause })
  }
  return keccak256(key.subarray(1)).slice(12)
}

/** Deterministic (RFC 6979), low-s signature: 64 bytes r‖s and the parity. */
export function signDigest(digest: Uint8Array, privateKey: Uint8Array): { rs: Uint8Array; yParity: 0 | 1 } {
  const { signature, recid } = secp256k1.ecdsaSign(digest, privateKey)
  return { rs: signature, yParity: recid === 1 ? 1 : 0 }
}

/** The 20-byte address of a private key. */
export function privateKeyAddress(privateKey: Uint8Array): Uint8Array {
  return keccak256(secp256k1.publicKeyCreate(privateKey, false).subarray(1)).slice(12)
}

/** True where the key made the signature r‖s over `digest`; a signature with high s is refused. */
export function verifyDigest(digest: Uint8Array, rs: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return secp256k1.ecdsaVerify(rs, digest, publicKey)
  } catch {
    return false
  }
}

/** The 33-byte public key of a private key. */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  return secp256k1.publicKeyCreate(privateKey, true)
}

/** What two keys share, known to the holder of either's private key: SHA-256 of the compressed point. Throws {@link FormatError}. */
export function sharedSecret(publicKey: Uint8Array, privateKey: Uint8Array): Uint8Array {
  if (!secp256k1.publicKeyVerify(publicKey)) throw new FormatError('not a public key')
  return secp256k1.ecdh(publicKey, privateKey)
}

/** The 33-byte public key that made a signature r‖s. */
export function recoverPublicKey(digest: Uint8Array, rs: Uint8Array, yParity: number): Uint8Array {
  return secp256k1.ecdsaRecover(rs, yParity, digest, true)
}

/** The 64 bytes x‖y of a 33-byte public key. Throws {@link FormatError}. */
export function expandPublicKey(compressed: Uint8Array): Uint8Array {
  if (!secp256k1.publicKeyVerify(compressed)) throw new FormatError('not a public key')
  return secp256k1.publicKeyConvert(compressed, false).slice(1)
}

/** True for 64 bytes x‖y of a point on the curve. */
export function isPublicKey(xy: Uint8Array): boolean {
  const key = new Uint8Array(65)
  key[0] = 4
  if (xy.length !== 64) return false
  key.set(xy, 1)
  return secp256k1.publicKeyVerify(key)
}
