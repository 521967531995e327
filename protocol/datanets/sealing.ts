import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { concatBytes, FormatError, uintBytes } from '../bytes.ts'
import { publicKeyOf, sharedSecret } from '../secp256k1.ts'

/**
 * Content of permissioned Datanets, encrypted to a key of its version, and that key encrypted to a grantee. Sealed content is a
 * text in canonical form, so that Datanets of text and of structured data take it: the line `openledger sealed 1`, then
 * `nonce 12 ‖ AES-256-GCM ‖ tag 16` in base64, 76 characters a line, with that line and the Datanet as associated data. A wrapped
 * key is `ephemeral public key 33 ‖ AES-256-GCM of the key 32 ‖ tag 16`, under HKDF-SHA-256 of the ECDH secret. docs/UNITS.md.
 */
export const contentKeyBytes = 32
export const wrappedKeyBytes = 81
/** 7 MiB: sealed it is a third longer, and an author contributes 10 MB a day. */
export const sealedBytesMax = 7 * 1024 * 1024

const heading = 'openledger sealed 1'
const lineLength = 76
const nonceBytes = 12
const tagBytes = 16
const publicKeyBytes = 33
const wrapInfo = 'openledger datanet content key'

export function newContentKey(): Uint8Array {
  return new Uint8Array(randomBytes(contentKeyBytes))
}

/** Content that only who has the key can read. Throws {@link FormatError} where it is too large. */
export function seal(content: Uint8Array, key: Uint8Array, datanet: bigint): Uint8Array {
  if (content.length > sealedBytesMax) throw new FormatError(`content above ${sealedBytesMax} bytes`)
  const nonce = new Uint8Array(randomBytes(nonceBytes))
  const box = Buffer.from(concatBytes(nonce, encrypt(content, key, nonce, associated(datanet)))).toString('base64')
  const lines = box.match(new RegExp(`.{1,${lineLength}}`, 'g')) ?? []
  return new TextEncoder().encode([heading, ...lines].join('\n'))
}

/** What was sealed. Throws {@link FormatError} for what is no sealed content, of another Datanet, or of another key. */
export function open(sealed: Uint8Array, key: Uint8Array, datanet: bigint): Uint8Array {
  const [head, ...lines] = Buffer.from(sealed).toString('latin1').split('\n')
  const text = lines.join('')
  const box = Buffer.from(text, 'base64')
  // Node passes over what is no base64.
  if (head !== heading || box.toString('base64') !== text || box.length < nonceBytes + tagBytes) {
    throw new FormatError('not sealed content')
  }
  const bytes = new Uint8Array(box)
  return decrypt(bytes.subarray(nonceBytes), key, bytes.subarray(0, nonceBytes), associated(datanet))
}

/** A content key that only the holder of a public key's private key can read. */
export function wrapKey(contentKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  if (contentKey.length !== contentKeyBytes) throw new FormatError(`a content key has ${contentKeyBytes} bytes`)
  const ephemeral = new Uint8Array(randomBytes(32))
  const own = publicKeyOf(ephemeral)
  const secret = wrapSecret(sharedSecret(publicKey, ephemeral), own, publicKey)
  return concatBytes(own, encrypt(contentKey, secret, new Uint8Array(nonceBytes), own))
}

/** Throws {@link FormatError} where it was wrapped for somebody else. */
export function unwrapKey(wrapped: Uint8Array, privateKey: Uint8Array): Uint8Array {
  if (wrapped.length !== wrappedKeyBytes) throw new FormatError(`a wrapped key has ${wrappedKeyBytes} bytes`)
  const ephemeral = wrapped.subarray(0, publicKeyBytes)
  const secret = wrapSecret(sharedSecret(ephemeral, privateKey), ephemeral, publicKeyOf(privateKey))
  return decrypt(wrapped.subarray(publicKeyBytes), secret, new Uint8Array(nonceBytes), ephemeral)
}

/** A secret of one use: the ephemeral key makes it new each time, so that its nonce may be zero. */
function wrapSecret(shared: Uint8Array, ephemeral: Uint8Array, reader: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', shared, concatBytes(ephemeral, reader), wrapInfo, contentKeyBytes))
}

const associated = (datanet: bigint) => concatBytes(new TextEncoder().encode(heading), uintBytes(datanet, 8))

function encrypt(text: Uint8Array, key: Uint8Array, nonce: Uint8Array, data: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(data)
  return concatBytes(cipher.update(text), cipher.final(), cipher.getAuthTag())
}

function decrypt(bytes: Uint8Array, key: Uint8Array, nonce: Uint8Array, data: Uint8Array): Uint8Array {
  const end = bytes.length - tagBytes
  const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(data).setAuthTag(bytes.subarray(end))
  try {
    return concatBytes(decipher.update(bytes.subarray(0, end)), decipher.final())
  } catch (cause) {
    throw new FormatError('the key does not open this', { cause })
  }
}
