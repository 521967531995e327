import fc from 'fast-check'
import {
  compactSignatureToSignature,
  hashTypedData,
  serializeSignature,
  type TypedDataDomain,
  verifyTypedData,
} from 'viem'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../common/clock.ts'
import { MessageAuthor } from '../../../p2p/workers/message-author.ts'
import { messageKinds } from '../../../p2p/workers/validation/message-kinds.ts'
import type { Fields } from '../../../p2p/workers/wire/container.ts'
import { messageBytesMax, peerBinding, proofAnnounce } from '../../../p2p/workers/wire/messages.ts'
import { networkDomain, networkSeparator, type SignedMessage } from '../../../p2p/workers/wire/signed-message.ts'
import { workerMessageId, workerProtocol, workerTopic } from '../../../p2p/workers/wire/topics.ts'
import { bytesToHex, FormatError, hexToBytes } from '../../../protocol/bytes.ts'
import { account, accountKey, announcement, authorOf, netChain } from '../../fakes/worker-net.ts'

const all = [...messageKinds.map(({ message }) => message), peerBinding as unknown as SignedMessage<Fields>]
const separator = networkSeparator(netChain)

/** A random value of each field, by its type. */
function anyValue(fields: Fields) {
  const hex = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(bytesToHex)
  return fc.record(
    Object.fromEntries(
      fields.map(([name, type]) => {
        if (type === 'address') return [name, hex(20)]
        if (type.startsWith('bytes')) return [name, hex(Number(type.slice(5)))]
        const bits = Number(type.slice(4))
        return [
          name,
          bits <= 32 ? fc.nat({ max: 2 ** bits - 1 }) : fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }),
        ]
      }),
    ),
  ) as fc.Arbitrary<Record<string, number | bigint | `0x${string}`>>
}

describe.each(all.map((message) => [message.name, message] as const))('%s', (name, message) => {
  test('is what viem hashes and verifies', async () => {
    const { chainId, ...rest } = networkDomain(netChain)
    const domain: TypedDataDomain = { ...rest, chainId }
    const types = { [name]: message.container.fields.map(([field, type]) => ({ name: field, type })) }
    await fc.assert(
      fc.asyncProperty(anyValue(message.container.fields), async (value) => {
        const bytes = message.sign(value as never, separator, accountKey(1))
        expect(bytesToHex(message.digest(bytes, separator))).toBe(
          hashTypedData({ domain, types, primaryType: name, message: value }),
        )
        const signature = fullSignature(bytes.subarray(-64))
        expect(
          await verifyTypedData({
            domain,
            types,
            primaryType: name,
            message: value,
            address: account(1).address,
            signature,
          }),
        ).toBe(true)
      }),
      { numRuns: 5 },
    )
  })

  test('has one encoding, of one length, which is small', () => {
    fc.assert(
      fc.property(anyValue(message.container.fields), fc.nat({ max: 600 }), (value, length) => {
        const bytes = message.container.encode(value as never)
        expect(message.container.decode(bytes)).toEqual(value)
        const signed = new Uint8Array(message.byteLength)
        expect(message.byteLength).toBeLessThanOrEqual(messageBytesMax)
        if (length !== signed.length) expect(() => message.decode(new Uint8Array(length))).toThrow(FormatError)
      }),
    )
  })

  test('every bit is signed: a message with one bit changed is not the author’s', () => {
    const value = fc.sample(anyValue(message.container.fields), 1)[0] ?? {}
    const own = message.container.fields.some(([field]) => field === 'version') ? value : {}
    const authored = Object.fromEntries(
      Object.entries(own).map(([field, each]) => [field, authorFields.has(field) ? account(1).address : each]),
    )
    const bytes = message.sign(authored as never, separator, accountKey(1))
    expect(message.isSigned(bytes, separator)).toBe(true)
    for (let bit = 0; bit < 8 * bytes.length; bit += 7) {
      const changed = new Uint8Array(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(message.isSigned(changed, separator)).toBe(false)
    }
    expect(message.isSigned(bytes, networkSeparator(netChain + 1n))).toBe(false)
  })
})

/** EIP-2098's 64 bytes as viem takes them. */
function fullSignature(compact: Uint8Array): `0x${string}` {
  return serializeSignature(
    compactSignatureToSignature({
      r: bytesToHex(compact.subarray(0, 32)),
      yParityAndS: bytesToHex(compact.subarray(32)),
    }),
  )
}

const authorFields = new Set(['worker', 'author', 'checker', 'account'])

test('a signature is judged without changing the bytes, whatever array they come in', () => {
  for (let n = 0; n < 8; n++) {
    const bytes = Buffer.from(announcement(authorOf(1), n))
    const before = bytes.toString('hex')
    expect(proofAnnounce.isSigned(bytes, separator)).toBe(true)
    expect(bytes.toString('hex')).toBe(before)
  }
})

test('the high half of s is refused', () => {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const bytes = announcement(authorOf(1), 1)
  const s = BigInt(bytesToHex(bytes.subarray(-32)))
  const [parity, low] = [s >> 255n, s & ((1n << 255n) - 1n)]
  const high = order - low
  const flipped = new Uint8Array(bytes)
  // 255 bits of s are left beside the parity, and the high half of most has its first bit set: no form for it.
  flipped.set(
    hexToBytes(`0x${(((1n - parity) << 255n) | (high & ((1n << 255n) - 1n))).toString(16).padStart(64, '0')}`),
    bytes.length - 32,
  )
  expect(proofAnnounce.isSigned(flipped, separator)).toBe(false)
})

test('lengths and names are those of the page', () => {
  expect(Object.fromEntries(all.map(({ name, byteLength }) => [name, byteLength]))).toEqual({
    ProofAnnounce: 315,
    JobHead: 266,
    Verdict: 212,
    Heartbeat: 133,
    Capability: 337,
    PeerBinding: 141,
  })
  expect(workerTopic(1612n, 'proofs')).toBe('/ol/1612/1/proofs')
  expect(workerProtocol(1612n, 'job')).toBe('/ol/1612/job/1')
  expect(workerMessageId('/ol/1612/1/proofs', new Uint8Array(3))).toHaveLength(20)
})

test('nonces of an author rise, even where the clock goes back', () => {
  let nowMs = 1_000_000
  const author = new MessageAuthor(netChain, account(3), { ...systemClock, nowMs: () => nowMs })
  const nonces = [5, 0, -3_000, 1].map((step) => {
    nowMs += step
    return proofAnnounce.decode(announcement(author, 1)).nonce
  })
  expect(nonces.every((nonce, i) => i === 0 || nonce > (nonces[i - 1] ?? 0n))).toBe(true)
})
