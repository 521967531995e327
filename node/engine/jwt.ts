import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../common/clock.ts'
import { RpcError, rpcCodes } from '../../common/json-rpc.ts'
import { FormatError, fixedHex, hexToBytes } from '../../protocol/bytes.ts'

/** Seconds a token's `iat` may lie before or after our clock. Spec: Engine API, authentication. */
export const jwtDriftSecondsMax = 60
/** Characters of a token; ours have about 100, other clients add a few claims. */
export const jwtLengthMax = 4096

/** The shared secret of a file in geth's format: 64 hex digits, with or without `0x`, white space around. */
export function parseJwtSecret(text: string): Uint8Array {
  const digits = text.trim().replace(/^0x/i, '')
  if (!/^[0-9a-fA-F]{64}$/.test(digits)) throw new FormatError('a JWT secret is 32 bytes in hex')
  return hexToBytes(fixedHex(`0x${digits}`, 32))
}

/** An HS256 token for one request. */
export function jwtToken(secret: Uint8Array, nowSeconds: number): string {
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ iat: nowSeconds })}`
  return `${signed}.${sign(secret, signed)}`
}

/** The `authorize` hook of an Engine API server: refuses requests without a fresh token made with `secret`. */
export function jwtAuthorizer(secret: Uint8Array, clock: Clock): (request: IncomingMessage) => void {
  return (request) => {
    const header = request.headers.authorization ?? ''
    if (!header.startsWith('Bearer ')) throw unauthorized('missing token')
    verifyJwt(secret, header.slice('Bearer '.length).trim(), Math.floor(clock.nowMs() / 1000))
  }
}

/** Throws {@link RpcError} unless the token is HS256, signed with `secret` and issued about now. */
export function verifyJwt(secret: Uint8Array, token: string, nowSeconds: number): void {
  if (token.length > jwtLengthMax) throw unauthorized('token too long')
  const parts = token.split('.')
  const [header, claims, signature] = parts
  if (parts.length !== 3 || header === undefined || claims === undefined || signature === undefined) {
    throw unauthorized('malformed token')
  }
  // Only HS256: a token that names its own algorithm ("none", or RS256 with our secret as public key) forges itself.
  if (decode(header)['alg'] !== 'HS256') throw unauthorized('the algorithm must be HS256')
  const expected = Buffer.from(sign(secret, `${header}.${claims}`))
  const given = Buffer.from(signature)
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) throw unauthorized('wrong signature')
  const { iat, exp } = decode(claims)
  if (typeof iat !== 'number') throw unauthorized('missing issued-at')
  if (!(Math.abs(nowSeconds - iat) <= jwtDriftSecondsMax)) throw unauthorized('stale token')
  if (exp !== undefined && !(typeof exp === 'number' && exp > nowSeconds)) throw unauthorized('expired token')
}

function sign(secret: Uint8Array, text: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url')
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Answered below like any other malformed part.
  }
  throw unauthorized('malformed token')
}

function unauthorized(why: string): RpcError {
  return new RpcError(rpcCodes.server, `unauthorized: ${why}`)
}
