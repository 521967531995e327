import { createHash } from 'node:crypto'
import { brotliCompressSync, constants, deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToHex, concatBytes, FormatError } from '../../protocol/bytes.ts'
import {
  channelCompression,
  compressChannel,
  decompressChannel,
  rlpBytesPerChannelMaxBedrock,
} from '../../protocol/channel-compression.ts'
import { rlpEncode } from '../../protocol/rlp.ts'
import { bytesUpTo } from '../fakes/arbitraries.ts'

const kinds = ['zlib', 'brotli'] as const
const limit = rlpBytesPerChannelMaxBedrock
/** Half compressible: text-like runs between bytes that look random. */
const plain = new Uint8Array(300_000)
for (let i = 0, seed = createHash('sha256').update('plain').digest(); i < plain.length; i += 64) {
  seed = createHash('sha256').update(seed).digest()
  plain.set(seed.subarray(0, Math.min(32, plain.length - i)), i)
}
const zeros = new Uint8Array(50_000_000)
const isPrefix = (part: Uint8Array) => Buffer.compare(part, plain.subarray(0, part.length)) === 0

test.each(kinds)('a %s channel survives compression', async (kind) => {
  await fc.assert(
    fc.asyncProperty(bytesUpTo(2_000), async (data) => {
      const channel = compressChannel(data, kind)
      expect(channelCompression(channel, true)).toBe(kind)
      expect(bytesToHex(await decompressChannel(channel, true, limit))).toBe(bytesToHex(data))
    }),
    { numRuns: 30 },
  )
})

test.each(kinds)('output of %s past the limit is cut there, not refused', async (kind) => {
  const channel = compressChannel(plain, kind)
  for (const bytesMax of [1, 16_384, 99_999, plain.length - 1, plain.length, plain.length + 1]) {
    const decoded = await decompressChannel(channel, true, bytesMax)
    expect(decoded.length).toBe(Math.min(bytesMax, plain.length))
    expect(isPrefix(decoded)).toBe(true)
  }
})

test.each([
  ['zlib', deflateSync(zeros)],
  [
    'brotli',
    concatBytes(Uint8Array.of(1), brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })),
  ],
])('a bomb of %s stops at the limit', async (_, bomb) => {
  expect(bomb.length).toBeLessThan(limit / 100)
  expect((await decompressChannel(bomb, true, limit)).length).toBe(limit)
})

test.each(kinds)(
  'a %s stream that is cut short behind the limit gives all that stands before the limit',
  async (kind) => {
    const whole = plain.subarray(0, 5_000)
    const channel = compressChannel(whole, kind)
    for (const bytesMax of [1, 2_000, 4_000]) {
      const decoded = await decompressChannel(channel.subarray(0, channel.length - 8), true, bytesMax)
      expect(bytesToHex(decoded)).toBe(bytesToHex(whole.subarray(0, bytesMax)))
    }
  },
)

test.each([
  ['more than the buffer of 4096 bytes is lost with the fault', 20_000, true],
  ['at most the buffer is whole', 4_000, false],
  ['a full window at its end is whole', 32_768 - 103 - 3, false],
])('a wrong checksum of zlib behind two strings: the last with %s', async (_, length, isLost) => {
  const strings = concatBytes(
    rlpEncode(new Uint8Array(100).fill(1)),
    Uint8Array.of(1),
    rlpEncode(new Uint8Array(length).fill(2)),
  )
  const channel = Uint8Array.from(deflateSync(strings))
  const cut = channel.subarray(0, -1)
  const wrong = Uint8Array.from([...cut, 0xff ^ (channel.at(-1) ?? 0)])
  for (const faulty of [cut, wrong]) {
    expect((await decompressChannel(faulty, true, limit)).length).toBe(strings.length - (isLost ? 1 : 0))
  }
})

test('a zlib stream cut behind a flush gives all', async () => {
  const string = rlpEncode(new Uint8Array(20_000).fill(2))
  const flushed = Uint8Array.from(deflateSync(string, { finishFlush: constants.Z_SYNC_FLUSH }))
  expect((await decompressChannel(flushed, true, limit)).length).toBe(string.length)
})

test.each(kinds)('bytes behind a whole %s stream are ignored', async (kind) => {
  const channel = concatBytes(compressChannel(plain, kind), new Uint8Array(100).fill(7))
  expect((await decompressChannel(channel, true, limit)).length).toBe(plain.length)
})

test.each(kinds)('a %s stream cut short gives all that it held, and more where it is cut later', async (kind) => {
  const channel = compressChannel(plain, kind)
  let before = 0
  for (const part of [0.3, 0.6, 0.9, 0.99]) {
    const decoded = await decompressChannel(channel.subarray(0, Math.floor(channel.length * part)), true, limit)
    expect(isPrefix(decoded)).toBe(true)
    // What is lost at the cut is at most the block of code that it falls into.
    expect(decoded.length).toBeGreaterThan(plain.length * part - 70_000)
    expect(decoded.length).toBeGreaterThan(before)
    before = decoded.length
  }
})

test('a wrong checksum behind the data loses none of it', async () => {
  const channel = compressChannel(plain, 'zlib')
  const last = channel.length - 1
  channel[last] = (channel[last] ?? 0) ^ 1
  expect((await decompressChannel(channel, true, limit)).length).toBe(plain.length)
})

test('corruption in the middle of a zlib stream keeps what came before it to the byte', async () => {
  // Two whole parts with a flush between them; what lies behind the flush is destroyed.
  const first = deflateSync(plain.subarray(0, 123_457), { level: 9 })
  const cut = first.length - 4
  const broken = concatBytes(first.subarray(0, cut - 1), Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
  const decoded = await decompressChannel(broken, true, limit)
  expect(isPrefix(decoded.subarray(0, 123_000))).toBe(true)
  expect(decoded.length).toBeGreaterThan(123_000)
})

test('random bytes behind a header decode to something or are refused, never crash', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom([0x78, 0x9c], [1]), bytesUpTo(300), async (head, data) => {
      try {
        await decompressChannel(concatBytes(Uint8Array.from(head), data), true, limit)
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError)
      }
    }),
  )
})

test.each([
  ['nothing', []],
  ['an unknown first byte', [0x02, 0, 0]],
  ['a zlib header of one byte', [0x78]],
  ['a wrong zlib header check', [0x78, 0x9d, 0]],
  ['zlib method 15', [0x7f, 0x05, 0]],
  ['a preset dictionary', [0x78, 0xbb, 0]],
])('refuses a channel that begins with %s', async (_, bytes) => {
  await expect(decompressChannel(Uint8Array.from(bytes), true, limit)).rejects.toThrow(FormatError)
})

test('brotli is refused before Fjord', async () => {
  const channel = compressChannel(plain, 'brotli')
  await expect(decompressChannel(channel, false, limit)).rejects.toThrow(FormatError)
})
