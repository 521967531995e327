import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FormatError } from '../../protocol/bytes.ts'
import { isSealed, TokenSeal } from '../../protocol/private-tokens.ts'
import { publicKeyOf } from '../../protocol/secp256k1.ts'

const host = new Uint8Array(32).fill(7)
const other = new Uint8Array(32).fill(8)
const { seal, templateHash } = TokenSeal.make(publicKeyOf(host))
const tokens = fc
  .array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { maxLength: 70 })
  .map((list) => Uint32Array.from(list))
const list = fc.constantFrom('prompt' as const, 'output' as const)

describe('sealed tokens', () => {
  test('open for the host alone, list by list, from any place on', () => {
    const opened = TokenSeal.open(templateHash, host)
    fc.assert(
      fc.property(tokens, list, fc.nat(200), (plain, of, first) => {
        const sealed = seal.seal(of, first, plain)
        expect(sealed).toHaveLength(plain.length)
        expect(opened.unseal(of, first, sealed)).toEqual(plain)
        const whole = seal.seal(of, 0, new Uint32Array(first + plain.length).fill(1))
        const parts = [
          seal.seal(of, 0, new Uint32Array(first).fill(1)),
          seal.seal(of, first, new Uint32Array(plain.length).fill(1)),
        ]
        expect(Uint32Array.from(parts.flatMap((part) => [...part]))).toEqual(whole)
      }),
    )
  })

  test('are no token of any model, and every prompt of them is known as sealed', () => {
    fc.assert(
      fc.property(tokens, (plain) => {
        const sealed = seal.seal('prompt', 0, plain)
        expect(sealed.every((token) => token >= 2 ** 31)).toBe(true)
        expect(isSealed(sealed)).toBe(plain.length > 0)
        expect(isSealed(Uint32Array.from([...sealed, 5]))).toBe(false)
      }),
    )
  })

  test('say nothing of each other: lists and requests have streams of their own', () => {
    const plain = new Uint32Array(64).fill(42)
    const again = TokenSeal.make(publicKeyOf(host))
    const sealed = [seal.seal('prompt', 0, plain), seal.seal('output', 0, plain), again.seal.seal('prompt', 0, plain)]
    const all = sealed.flatMap((each) => [...each])
    expect(new Set(all).size).toBe(all.length)
    expect(TokenSeal.open(templateHash, other).unseal('prompt', 0, sealed[0] as Uint32Array)).not.toEqual(plain)
  })

  test('a token with the highest bit and what is no public key are refused', () => {
    expect(() => seal.seal('prompt', 0, Uint32Array.of(2 ** 31))).toThrow(FormatError)
    expect(() => TokenSeal.open(`0x${'ff'.repeat(32)}`, host)).toThrow(FormatError)
  })
})
