import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { jwtAuthorizer, jwtDriftSecondsMax, jwtToken, parseJwtSecret, verifyJwt } from '../../../node/engine/jwt.ts'

const secret = new Uint8Array(32).fill(7)
const now = 1_700_000_000

function token(header: unknown, claims: unknown, key: Uint8Array = secret): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part(header)}.${part(claims)}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

describe('jwt', () => {
  test('a fresh token of ours is accepted', () => {
    expect(() => verifyJwt(secret, jwtToken(secret, now), now)).not.toThrow()
  })

  test('an issue time inside the drift is accepted, outside refused, in both directions', () => {
    for (const drift of [-jwtDriftSecondsMax, 0, jwtDriftSecondsMax]) {
      expect(() => verifyJwt(secret, jwtToken(secret, now + drift), now)).not.toThrow()
    }
    for (const drift of [-jwtDriftSecondsMax - 1, jwtDriftSecondsMax + 1]) {
      expect(() => verifyJwt(secret, jwtToken(secret, now + drift), now)).toThrow('stale')
    }
  })

  test.each([
    ['another secret', jwtToken(new Uint8Array(32).fill(8), now), 'wrong signature'],
    ['the algorithm none', token({ alg: 'none' }, { iat: now }), 'HS256'],
    [
      'the algorithm none without signature',
      `${token({ alg: 'none' }, { iat: now }).split('.').slice(0, 2).join('.')}.`,
      'HS256',
    ],
    ['HS512', token({ alg: 'HS512' }, { iat: now }), 'HS256'],
    ['no issue time', token({ alg: 'HS256' }, {}), 'issued-at'],
    ['an issue time that is no number', token({ alg: 'HS256' }, { iat: String(now) }), 'issued-at'],
    ['a time past its expiry', token({ alg: 'HS256' }, { iat: now, exp: now - 1 }), 'expired'],
    ['two parts', 'a.b', 'malformed'],
    ['garbage', 'a.b.c', 'malformed'],
    ['claims that were changed', tampered(), 'wrong signature'],
    ['an oversized token', 'x'.repeat(10_000), 'too long'],
  ])('a token with %s is refused', (_, bad, reason) => {
    expect(() => verifyJwt(secret, bad, now)).toThrow(reason)
  })

  test('the server hook wants a bearer token', () => {
    const authorize = jwtAuthorizer(secret, { nowMs: () => now * 1000, sleep: async () => {} })
    const request = (authorization?: string) => ({ headers: { authorization } }) as never
    expect(() => authorize(request())).toThrow('missing token')
    expect(() => authorize(request(`Basic ${jwtToken(secret, now)}`))).toThrow('missing token')
    expect(() => authorize(request(`Bearer ${jwtToken(secret, now)}`))).not.toThrow()
  })

  test('secret files are read with and without prefix and white space, and nothing else', () => {
    const hex = '07'.repeat(32)
    for (const text of [hex, `0x${hex}`, `${hex}\n`, ` 0x${hex} \n`]) expect(parseJwtSecret(text)).toEqual(secret)
    for (const text of ['', '07', `${hex}00`, 'z'.repeat(64)]) expect(() => parseJwtSecret(text)).toThrow('32 bytes')
  })
})

function tampered(): string {
  const [header, , signature] = jwtToken(secret, now - 1000).split('.')
  return `${header}.${Buffer.from(JSON.stringify({ iat: now })).toString('base64url')}.${signature}`
}
