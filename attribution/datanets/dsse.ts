import { CodedError } from '../../common/errors.ts'
import { bytesToHex, concatBytes, type Hex } from '../../protocol/bytes.ts'
import { canonicalBytes, isJsonObject, parseCanonical } from '../../protocol/jcs.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { recoverAddress } from '../../protocol/secp256k1.ts'

/**
 * `envelope`: not one envelope in canonical form with one signature. `signature`: no key can have made it. `signer`: it is not
 * of the key that it names.
 */
export class DsseError extends CodedError<'envelope' | 'signature' | 'signer'> {}

/** A signed text. */
export type Opened = { readonly payloadType: string; readonly payload: Uint8Array; readonly signer: Hex }

/** An account that signs digests, `r ‖ vs` of EIP-2098. */
export type EnvelopeSigner = { readonly address: Hex; readonly sign: (digest: Uint8Array) => Uint8Array }

/**
 * Signs `payload` in a DSSE envelope (secure-systems-lab/dsse v1.0) with a secp256k1 key, over the EIP-191 message of its
 * pre-authentication encoding, so that any wallet can make the signature. The key id is the address.
 */
export function sealEnvelope(payloadType: string, payload: Uint8Array, { address, sign }: EnvelopeSigner): Uint8Array {
  const sig = sign(signedDigest(payloadType, payload)).slice()
  const yParity = (sig[32] ?? 0) >> 7
  sig[32] = (sig[32] ?? 0) & 0x7f
  return canonicalBytes({
    payload: base64(payload),
    payloadType,
    signatures: [{ keyid: address, sig: base64(concatBytes(sig, Uint8Array.of(27 + yParity))) }],
  })
}

/** What an envelope holds and who signed it. There is one form of each envelope: any other bytes are refused. Throws {@link DsseError}. */
export function openEnvelope(envelope: Uint8Array): Opened {
  const value = parseCanonical(envelope)
  if (!isJsonObject(value)) throw new DsseError('envelope', 'not an envelope in canonical JSON')
  const { payload: text, payloadType, signatures } = value
  const [only] = Array.isArray(signatures) ? signatures : []
  const wellFormed = hasMembers(value, 'payload,payloadType,signatures') && isJsonObject(only)
  if (!wellFormed || !hasMembers(only, 'keyid,sig') || (signatures as readonly unknown[]).length !== 1) {
    throw new DsseError('envelope', 'not an envelope with a payload, its type and one signature of a key id')
  }
  const [payload, signature] = [bytesOf(text), bytesOf(only['sig'])]
  const keyid = only['keyid']
  if (typeof payloadType !== 'string' || typeof keyid !== 'string' || signature.length !== 65) {
    throw new DsseError('envelope', 'an envelope whose type, key id or signature is of the wrong form')
  }
  const signer = signerOf(signedDigest(payloadType, payload), signature)
  if (signer !== keyid) throw new DsseError('signer', `signed by ${signer}, not by ${keyid} as it says: it was changed`)
  return { payloadType, payload, signer }
}

/** The pre-authentication encoding: types and lengths are signed too. */
function preAuthentication(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = new TextEncoder().encode(payloadType)
  const head = new TextEncoder().encode(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `)
  return concatBytes(head, payload)
}

function signedDigest(payloadType: string, payload: Uint8Array): Uint8Array {
  const message = preAuthentication(payloadType, payload)
  const prefix = new TextEncoder().encode(`\x19Ethereum Signed Message:\n${message.length}`)
  return keccak256(concatBytes(prefix, message))
}

function signerOf(digest: Uint8Array, signature: Uint8Array): Hex {
  const v = signature[64] ?? 0
  if (v !== 27 && v !== 28) throw new DsseError('signature', `a signature whose parity is ${v}`)
  try {
    return bytesToHex(recoverAddress(digest, signature.slice(0, 64), v - 27))
  } catch (cause) {
    throw new DsseError('signature', 'no key can have made the signature', { cause })
  }
}

function hasMembers(value: object, names: string): boolean {
  return Object.keys(value).sort().join(',') === names
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** Of the one text that these bytes have: unused bits and missing padding are refused. */
function bytesOf(text: unknown): Uint8Array {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'base64') : undefined
  if (bytes === undefined || base64(bytes) !== text) throw new DsseError('envelope', 'a text that is not base64')
  return new Uint8Array(bytes)
}
