import { blobBytes, decodeBlob, encodeBlob } from '../../../protocol/blob-codec.ts'
import { bytesToHex, concatBytes, uintBytes } from '../../../protocol/bytes.ts'
import { keccak256, keccakHex } from '../../../protocol/keccak.ts'
import { bytes, child, type Fields, failUnknownSections, hasAny, integer, list } from '../fields.ts'
import { expectEqual, expectThrows, type VectorRunner } from '../vector.ts'

/** OP's encoding of data in blobs; a blob is written without its trailing zero bytes. */
export const blobRunner: VectorRunner = {
  name: 'blob codec',
  matches: (_folder, json) => hasAny(json, 'decode', 'encode', 'invalid') && hasAny(json, 'maxData'),
  run: async (json, report) => {
    failUnknownSections(
      json as Fields,
      ['note', 'maxData', 'decode', 'encode', 'invalid', 'bigRoundTrip_derived'],
      report,
    )
    for (const [i, one] of list(json, 'decode').entries()) {
      await report.check(`decode[${i}]`, () => {
        if (isError(one)) return expectThrows(() => decodeBlob(blobOf(one)), String(one['error']))
        expectEqual(bytesToHex(decodeBlob(blobOf(one))), bytesToHex(dataOf(one['data'])), 'data')
      })
    }
    for (const [i, one] of list(json, 'encode').entries()) {
      await report.check(`encode[${i}]`, () => {
        const data = dataOf(one['data'])
        if (isError(one)) return expectThrows(() => encodeBlob(data), String(one['error']))
        const blob = encodeBlob(data)
        expectEqual(keccakHex(blob), keccakHex(blobOf(one)), 'blob')
        expectEqual(bytesToHex(decodeBlob(blob)), bytesToHex(data), 'decoded back')
      })
    }
    for (const [i, one] of list(json, 'invalid').entries()) {
      await report.check(`invalid[${i}] ${String(one['why'] ?? '')}`, () =>
        expectThrows(() => decodeBlob(blobOf(one)), String(one['error'])),
      )
    }
    if (!hasAny(json, 'bigRoundTrip_derived')) return
    const big = child(json, 'bigRoundTrip_derived')
    await report.check('big round trip', () => {
      const words = Array.from({ length: 4064 }, (_, k) =>
        keccak256(concatBytes(new TextEncoder().encode('x'), uintBytes(k, 4))),
      )
      const data = concatBytes(...words).subarray(0, Number(integer((json as Fields)['maxData'])))
      expectEqual(keccakHex(data), big['dataKeccak'], 'data')
      const blob = encodeBlob(data)
      expectEqual(keccakHex(blob), big['blobKeccak'], 'blob')
      expectEqual(keccakHex(decodeBlob(blob)), big['dataKeccak'], 'decoded back')
    })
  },
}

function isError(one: Fields): boolean {
  return one['error'] !== null && one['error'] !== undefined
}

function blobOf(one: Fields): Uint8Array {
  const blob = new Uint8Array(blobBytes)
  blob.set(bytes(one['blobPrefix'], 'blobPrefix'))
  const set = one['setByte']
  if (set === null || set === undefined) return blob
  // [index, value]
  const [index, value] = set as readonly unknown[]
  blob[Number(integer(index))] = Number(integer(value))
  return blob
}

function dataOf(value: unknown): Uint8Array {
  if (typeof value === 'string') return bytes(value)
  if (hasAny(value, 'hex')) return bytes(value['hex'])
  if (hasAny(value, 'zeros')) return new Uint8Array(Number(integer(value['zeros'])))
  throw new Error(`unknown form of data: ${JSON.stringify(value)}`)
}
