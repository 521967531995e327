import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToHex, concatBytes, FormatError } from '../../protocol/bytes.ts'
import { encodeFrames, type Frame, frameBytesMax, frameChannel, parseFrames } from '../../protocol/frame.ts'
import { bytesUpTo, hexOf } from '../fakes/arbitraries.ts'

const frame = fc.record({
  channelId: hexOf(16),
  frameNumber: fc.integer({ min: 0, max: 65_535 }),
  data: bytesUpTo(60),
  isLast: fc.boolean(),
})
const frames = fc.array(frame, { minLength: 1, maxLength: 5 })
const one: Frame = { channelId: `0x${'ab'.repeat(16)}`, frameNumber: 3, data: Uint8Array.of(1, 2, 3), isLast: true }

test('frames survive encoding and parsing', () => {
  fc.assert(
    fc.property(frames, (given) => {
      expect(parseFrames(encodeFrames(given))).toEqual(given)
    }),
  )
})

test('a datum that is cut anywhere inside a frame is refused whole', () => {
  fc.assert(
    fc.property(frames, fc.double({ min: 0, max: 1, noNaN: true }), (given, at) => {
      const whole = encodeFrames(given)
      const ends = new Set<number>()
      let end = 1
      for (const { data } of given) {
        end += 23 + data.length
        ends.add(end)
      }
      const cut = Math.floor(at * (whole.length - 1))
      if (ends.has(cut)) expect(parseFrames(whole.subarray(0, cut)).length).toBeLessThan(given.length)
      else expect(() => parseFrames(whole.subarray(0, cut))).toThrow(FormatError)
    }),
  )
})

test.each([
  ['nothing', new Uint8Array(0)],
  ['no frame', Uint8Array.of(0)],
  ['another version', concatBytes(Uint8Array.of(1), encodeFrames([one]).subarray(1))],
  ['a byte behind the last frame', concatBytes(encodeFrames([one]), Uint8Array.of(0))],
  ['is_last of 2', encodeFrames([one]).with(-1, 2)],
  ['more data than a frame may have', encodeFrames([{ ...one, data: new Uint8Array(frameBytesMax + 1) }])],
])('refuses batcher data with %s', (_, data) => {
  expect(() => parseFrames(data)).toThrow(FormatError)
})

test('random bytes either parse or are refused, never crash', () => {
  fc.assert(
    fc.property(bytesUpTo(200), (data) => {
      try {
        parseFrames(concatBytes(Uint8Array.of(0), data))
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError)
      }
    }),
  )
})

test('the frames of a channel keep to the size asked for and join to the channel', () => {
  fc.assert(
    fc.property(bytesUpTo(500), fc.integer({ min: 24, max: 120 }), (data, bytesMax) => {
      const cut = frameChannel(one.channelId, data, bytesMax)
      expect(bytesToHex(concatBytes(...cut.map((each) => each.data)))).toBe(bytesToHex(data))
      expect(cut.map((each) => each.frameNumber)).toEqual(cut.map((_, i) => i))
      expect(cut.map((each) => each.isLast)).toEqual(cut.map((_, i) => i === cut.length - 1))
      for (const each of cut) expect(encodeFrames([each]).length - 1).toBeLessThanOrEqual(bytesMax)
    }),
  )
})

test('a channel of more frames than a frame number can count is refused', () => {
  expect(() => frameChannel(one.channelId, new Uint8Array(65_536), 24)).toThrow(FormatError)
})
