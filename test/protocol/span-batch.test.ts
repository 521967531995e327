import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bitAt, bitlistBytes, encodeBitlist, readBitlist } from '../../protocol/bitlist.ts'
import { bytesToHex, concatBytes, FormatError } from '../../protocol/bytes.ts'
import { decodeSpanBatch, deriveSpanBatch, encodeRawSpanBatch, encodeSpanBatch } from '../../protocol/span-batch.ts'
import { rebuildSpanTxs, spanTxColumns } from '../../protocol/span-batch-txs.ts'
import { encodeTransaction, type SignedTx } from '../../protocol/transaction.ts'
import { encodeUvarint, readUvarint } from '../../protocol/uvarint.ts'
import { bytesUpTo, hexOf, signedTx, uint } from '../fakes/arbitraries.ts'

const chain = { genesisTimestamp: 1_700_000_000n, blockTime: 2n, chainId: 901n }

/** What a sequencer may put into a block: any type but blobs, of this chain or (legacy) of none. */
const batchTx: fc.Arbitrary<Uint8Array> = signedTx
  .filter((tx) => tx.type !== 3)
  .map((tx) => (tx.chainId === undefined ? tx : { ...tx, chainId: chain.chainId }))
  .map(encodeTransaction)

const blocks = fc
  .record({
    relTimestamp: uint(40),
    epochNum: fc.bigInt({ min: 1000n, max: 1n << 40n }),
    parentHash: hexOf(32),
    epochHash: hexOf(32),
    contents: fc.array(fc.record({ startsEpoch: fc.boolean(), transactions: fc.array(batchTx, { maxLength: 4 }) }), {
      minLength: 1,
      maxLength: 12,
    }),
  })
  .map(({ relTimestamp, epochNum, parentHash, epochHash, contents }) => {
    let epoch = epochNum
    return contents.map(({ startsEpoch, transactions }, i) => ({
      timestamp: chain.genesisTimestamp + relTimestamp + BigInt(i) * chain.blockTime,
      parentHash,
      epochNum: startsEpoch ? ++epoch : epoch,
      epochHash,
      isEpochStart: startsEpoch,
      transactions,
    }))
  })

test('blocks survive a span batch: timestamps, L1 origins, every transaction to the byte', () => {
  fc.assert(
    fc.property(blocks, (given) => {
      const derived = deriveSpanBatch(decodeSpanBatch(encodeSpanBatch(given, chain)), chain)
      expect(derived.blocks).toEqual(
        given.map(({ epochNum, timestamp, transactions }) => ({ epochNum, timestamp, transactions })),
      )
      expect(given[0]?.parentHash.startsWith(bytesToHex(derived.parentCheck))).toBe(true)
      expect(given[0]?.epochHash.startsWith(bytesToHex(derived.l1OriginCheck))).toBe(true)
    }),
    { numRuns: 200 },
  )
})

test('decoding and encoding a span batch gives the same bytes', () => {
  fc.assert(
    fc.property(blocks, bytesUpTo(3), (given, behind) => {
      const encoded = encodeSpanBatch(given, chain)
      const decoded = decodeSpanBatch(concatBytes(encoded, behind))
      expect(bytesToHex(encodeRawSpanBatch(decoded))).toBe(bytesToHex(encoded))
    }),
  )
})

test('a span batch that is cut anywhere is refused', () => {
  fc.assert(
    fc.property(blocks, fc.double({ min: 0, max: 1, noNaN: true }), (given, at) => {
      const encoded = encodeSpanBatch(given, chain)
      const cut = encoded.subarray(0, Math.floor(at * (encoded.length - 1)))
      expect(() => decodeSpanBatch(cut)).toThrow(FormatError)
    }),
  )
})

test('a span batch with a byte changed decodes or is refused, never crashes', () => {
  fc.assert(
    fc.property(blocks, uint(20), fc.integer({ min: 1, max: 255 }), (given, at, flip) => {
      const encoded = encodeSpanBatch(given, chain)
      const index = Number(at) % encoded.length
      encoded[index] = (encoded[index] ?? 0) ^ flip
      try {
        deriveSpanBatch(decodeSpanBatch(encoded), chain)
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError)
      }
    }),
    { numRuns: 500 },
  )
})

test('counts past the element limit are refused before anything of that size exists', () => {
  const prefix = concatBytes(Uint8Array.of(0, 0), new Uint8Array(40))
  const huge = encodeUvarint(10_000_001n)
  expect(() => decodeSpanBatch(concatBytes(prefix, huge))).toThrow(FormatError)
  expect(() => decodeSpanBatch(concatBytes(prefix, Uint8Array.of(1, 0), huge))).toThrow(FormatError)
  const twoBlocks = concatBytes(prefix, Uint8Array.of(2, 0), encodeUvarint(9_000_000n), encodeUvarint(9_000_000n))
  expect(() => decodeSpanBatch(twoBlocks)).toThrow(FormatError)
})

test('a transaction of unknown type passes the layout and fails to be rebuilt, so that only its span is lost', () => {
  const legacy: SignedTx = {
    type: 0,
    nonce: 0n,
    gasPrice: 1n,
    gasLimit: 21_000n,
    to: new Uint8Array(20),
    value: 0n,
    data: new Uint8Array(0),
    yParity: 0,
    r: 1n,
    s: 1n,
  }
  const columns = spanTxColumns([encodeTransaction(legacy)], chain.chainId)
  for (const type of [0, 3, 5, 0x7e]) {
    const odd = { ...columns, datas: [Uint8Array.of(type, 0xc0)], protectedBits: new Uint8Array(type === 0 ? 1 : 0) }
    const raw = {
      relTimestamp: 0n,
      l1OriginNum: 1n,
      parentCheck: new Uint8Array(20),
      l1OriginCheck: new Uint8Array(20),
      blockCount: 1,
      originBits: new Uint8Array(1),
      blockTxCounts: [1],
      txs: odd,
    }
    const decoded = decodeSpanBatch(encodeRawSpanBatch(raw))
    expect(() => deriveSpanBatch(decoded, chain)).toThrow(FormatError)
  }
})

test('transactions of another chain, blob transactions and deposits cannot be put into a span', () => {
  fc.assert(
    fc.property(signedTx, (tx) => {
      fc.pre(tx.type === 3 || (tx.chainId !== undefined && tx.chainId !== chain.chainId))
      expect(() => spanTxColumns([encodeTransaction(tx)], chain.chainId)).toThrow(FormatError)
    }),
  )
  expect(() => spanTxColumns([Uint8Array.of(0x7e, 0xc0)], chain.chainId)).toThrow(FormatError)
})

test('an unprotected legacy transaction comes back unprotected', () => {
  fc.assert(
    fc.property(signedTx, (tx) => {
      fc.pre(tx.type === 0 && tx.chainId === undefined)
      const raw = encodeTransaction(tx)
      expect(rebuildSpanTxs(spanTxColumns([raw], chain.chainId), chain.chainId)).toEqual([raw])
    }),
  )
})

test('a set-code transaction that creates a contract cannot be rebuilt', () => {
  const tx: SignedTx = {
    type: 4,
    chainId: chain.chainId,
    nonce: 0n,
    maxPriorityFeePerGas: 1n,
    maxFeePerGas: 2n,
    gasLimit: 50_000n,
    to: new Uint8Array(20),
    value: 0n,
    data: new Uint8Array(0),
    accessList: [],
    authorizationList: [],
    yParity: 0,
    r: 1n,
    s: 1n,
  }
  const columns = spanTxColumns([encodeTransaction(tx)], chain.chainId)
  const creation = { ...columns, contractCreationBits: Uint8Array.of(1), tos: new Uint8Array(0) }
  expect(() => rebuildSpanTxs(creation, chain.chainId)).toThrow(FormatError)
})

test('bit i of a bit list is bit i of one big-endian integer', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 40 }), (bits) => {
      const integer = bits.reduce((sum, bit, i) => sum + (bit ? 1n << BigInt(i) : 0n), 0n)
      const encoded = encodeBitlist(bits)
      expect(encoded.length).toBe(bitlistBytes(bits.length))
      expect(BigInt(bits.length === 0 ? 0 : bytesToHex(encoded))).toBe(integer)
      expect(bits.map((_, i) => bitAt(readBitlist(encoded, 0, bits.length), i) === 1)).toEqual(bits)
    }),
  )
})

test('a bit list with a bit set past its length is refused', () => {
  expect(() => readBitlist(Uint8Array.of(0b0000_0100, 0xff), 0, 10)).toThrow(FormatError)
  expect(bitAt(readBitlist(Uint8Array.of(0b0000_0010, 0), 0, 10), 9)).toBe(1)
})

test('uvarints hold 64 bits and no more', () => {
  fc.assert(
    fc.property(uint(64), (value) => {
      const encoded = encodeUvarint(value)
      expect(readUvarint(encoded, 0)).toEqual({ value, end: encoded.length })
    }),
  )
  expect(() => encodeUvarint(1n << 64n)).toThrow(FormatError)
  expect(() => readUvarint(new Uint8Array(10).fill(0xff).with(9, 2), 0)).toThrow(FormatError)
  expect(() => readUvarint(new Uint8Array(11).fill(0x80), 0)).toThrow(FormatError)
  expect(() => readUvarint(Uint8Array.of(0x80), 0)).toThrow(FormatError)
})
