import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FormatError } from '../../../protocol/bytes.ts'
import { canonicalText } from '../../../protocol/datanets/canonical-text.ts'
import { contributionOfFile } from '../../../protocol/datanets/media-types.ts'
import { newContentKey, open, seal, unwrapKey, wrapKey, wrappedKeyBytes } from '../../../protocol/datanets/sealing.ts'
import { publicKeyOf } from '../../../protocol/secp256k1.ts'

const privateKey = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .filter((key) => key.some((byte) => byte !== 0) && (key[0] ?? 0) < 0xff)

describe('sealing', () => {
  test('what is sealed opens with its key, for its Datanet, unchanged, and with nothing else', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 5_000 }),
        fc.bigInt(0n, (1n << 64n) - 2n),
        fc.nat(),
        (content, datanet, at) => {
          const key = newContentKey()
          const sealed = seal(content, key, datanet)
          expect(open(sealed, key, datanet)).toEqual(content)
          expect(() => open(sealed, key, datanet + 1n)).toThrow('does not open')
          expect(() => open(sealed, newContentKey(), datanet)).toThrow('does not open')
          const altered = sealed.slice()
          altered[at % sealed.length] = (altered[at % sealed.length] ?? 0) ^ 1
          expect(() => open(altered, key, datanet)).toThrow(FormatError)
          expect(() => open(sealed.subarray(0, at % sealed.length), key, datanet)).toThrow(FormatError)
        },
      ),
    )
  })

  test('what is sealed is a text in canonical form, which Datanets of text and of structured data take as it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), (content) => {
        const sealed = seal(content, newContentKey(), 7n)
        expect(canonicalText(sealed)).toEqual(sealed)
        expect(contributionOfFile('text', 'sealed.txt', sealed)).toEqual(sealed)
        expect(contributionOfFile('structured', 'sealed.csv', sealed)).toEqual(sealed)
      }),
    )
  })

  test('equal content sealed twice is not the same bytes', () => {
    const [content, key] = [new Uint8Array(100), newContentKey()]
    expect(seal(content, key, 1n)).not.toEqual(seal(content, key, 1n))
  })

  test('a wrapped key is read by the private key it was wrapped for, and by no other', () => {
    fc.assert(
      fc.property(privateKey, privateKey, (reader, other) => {
        fc.pre(publicKeyOf(reader).join() !== publicKeyOf(other).join())
        const key = newContentKey()
        const wrapped = wrapKey(key, publicKeyOf(reader))
        expect(wrapped).toHaveLength(wrappedKeyBytes)
        expect(unwrapKey(wrapped, reader)).toEqual(key)
        expect(() => unwrapKey(wrapped, other)).toThrow('does not open')
      }),
      { numRuns: 30 },
    )
  })

  test('a public key that is none, and a wrapped key cut short, are refused', () => {
    expect(() => wrapKey(newContentKey(), new Uint8Array(33))).toThrow('not a public key')
    expect(() => unwrapKey(new Uint8Array(80), new Uint8Array(32).fill(1))).toThrow('81 bytes')
  })
})
