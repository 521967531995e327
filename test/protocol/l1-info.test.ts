import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { encodeEip1559Params, encodeExtraData } from '../../protocol/base-fee.ts'
import { bytesToHex, FormatError, zeroHash } from '../../protocol/bytes.ts'
import type { L1BlockInfo } from '../../protocol/l1-block.ts'
import {
  decodeL1Info,
  encodeFeeScalars,
  encodeL1Info,
  feeScalars,
  type L1Info,
  l1InfoDeposit,
  l1InfoFormat,
} from '../../protocol/l1-info.ts'
import { l2BlockRef, systemConfigOfPayload } from '../../protocol/l2-block.ts'
import type { SystemConfig } from '../../protocol/system-config.ts'
import { encodeTransaction } from '../../protocol/transaction.ts'
import { hexOf, uint } from '../fakes/arbitraries.ts'
import { testRollupConfig } from '../fakes/rollup-config.ts'

const u32 = fc.nat(0xffff_ffff)

const info = (format: L1Info['format']): fc.Arbitrary<L1Info> =>
  fc.record({
    format: fc.constant(format),
    number: uint(64),
    timestamp: uint(64),
    baseFee: uint(256),
    blockHash: hexOf(32),
    sequenceNumber: uint(64),
    batcherAddr: hexOf(20),
    overhead: format === 'bedrock' ? hexOf(32) : fc.constant(zeroHash),
    scalar: format === 'bedrock' ? hexOf(32) : fc.constant(zeroHash),
    baseFeeScalar: format === 'bedrock' ? fc.constant(0) : u32,
    blobBaseFeeScalar: format === 'bedrock' ? fc.constant(0) : u32,
    blobBaseFee: format === 'bedrock' ? fc.constant(0n) : uint(256),
    operatorFeeScalar: format === 'isthmus' || format === 'jovian' ? u32 : fc.constant(0),
    operatorFeeConstant: format === 'isthmus' || format === 'jovian' ? uint(64) : fc.constant(0n),
    daFootprintGasScalar: format === 'jovian' ? fc.nat(0xffff) : fc.constant(0),
  })

describe.each(['bedrock', 'ecotone', 'isthmus', 'jovian'] as const)('%s', (format) => {
  test('L1 attributes survive encoding and decoding', () => {
    fc.assert(
      fc.property(info(format), (value) => {
        expect(decodeL1Info(encodeL1Info(value))).toEqual(value)
      }),
    )
  })

  test('a byte more or less is refused', () => {
    fc.assert(
      fc.property(info(format), (value) => {
        const data = encodeL1Info(value)
        expect(() => decodeL1Info(data.subarray(0, -1))).toThrow(FormatError)
        expect(() => decodeL1Info(Uint8Array.of(...data, 0))).toThrow(FormatError)
      }),
    )
  })
})

test('the layout lags its fork by one block, but not at genesis', () => {
  const forkTimes = { regolith: 0n, canyon: 0n, delta: 0n, ecotone: 100n, isthmus: 100n, jovian: 200n }
  const at = (timestamp: bigint) => l1InfoFormat({ forkTimes, blockTime: 2n }, timestamp)
  expect([98n, 100n, 102n, 200n, 202n].map(at)).toEqual(['bedrock', 'bedrock', 'isthmus', 'isthmus', 'jovian'])
  expect(l1InfoFormat({ forkTimes: { jovian: 0n }, blockTime: 2n }, 1n)).toBe('jovian')
})

test('fee scalars of both versions, and none of another', () => {
  expect(feeScalars(`0x${'00'.repeat(28)}000a6fe0`)).toEqual({ baseFeeScalar: 684_000, blobBaseFeeScalar: 0 })
  expect(feeScalars(`0x00${'01'.repeat(31)}`).baseFeeScalar).toBe(0xffff_ffff)
  expect(() => feeScalars(`0x02${'00'.repeat(31)}`)).toThrow(FormatError)
  expect(() => feeScalars(`0x0100000001${'00'.repeat(27)}`)).toThrow(FormatError)
  fc.assert(
    fc.property(u32, u32, (baseFeeScalar, blobBaseFeeScalar) => {
      expect(feeScalars(encodeFeeScalars({ baseFeeScalar, blobBaseFeeScalar }))).toEqual({
        baseFeeScalar,
        blobBaseFeeScalar,
      })
    }),
  )
})

test('an L2 block gives back the system config and the L1 origin it was built from', () => {
  const config = testRollupConfig()
  const sysConfig: SystemConfig = {
    batcherAddr: '0x00000000000000000000000000000000000000bb',
    overhead: zeroHash,
    scalar: encodeFeeScalars({ baseFeeScalar: 5, blobBaseFeeScalar: 6 }),
    gasLimit: 60_000_000n,
    eip1559Params: encodeEip1559Params({ denominator: 250n, elasticity: 6n }),
    operatorFeeParams: `0x${'00'.repeat(20)}00000007${'00'.repeat(7)}08`,
    minBaseFee: 9n,
    daFootprintGasScalar: 10,
  }
  const l1: L1BlockInfo = {
    hash: `0x${'0c'.repeat(32)}`,
    number: 77n,
    parentHash: zeroHash,
    timestamp: 1000n,
    prevRandao: zeroHash,
    baseFee: 7n,
    gasUsed: 0n,
    gasLimit: 0n,
  }
  const block = {
    blockHash: `0x${'0d'.repeat(32)}` as const,
    blockNumber: 5n,
    parentHash: zeroHash,
    timestamp: 1002n,
    gasLimit: 60_000_000n,
    extraData: encodeExtraData({ denominator: 250n, elasticity: 6n, minBaseFee: 9n }),
    transactions: [encodeTransaction(l1InfoDeposit(config, sysConfig, 3n, l1, 1002n))],
  }
  expect(systemConfigOfPayload(config, block)).toEqual(sysConfig)
  expect(l2BlockRef(config, block)).toEqual({
    hash: block.blockHash,
    number: 5n,
    parentHash: zeroHash,
    timestamp: 1002n,
    l1Origin: { hash: l1.hash, number: 77n },
    sequenceNumber: 3n,
  })
  expect(() => l2BlockRef(config, { ...block, transactions: [] })).toThrow(FormatError)
  expect(() => l2BlockRef(config, { ...block, transactions: [Uint8Array.of(2)] })).toThrow(FormatError)
})

test('genesis is known by number, and another block in its place is refused', () => {
  const config = testRollupConfig()
  const block = {
    blockHash: config.genesis.l2.hash,
    blockNumber: 0n,
    parentHash: zeroHash,
    timestamp: 0n,
    gasLimit: 1n,
    extraData: new Uint8Array(0),
    transactions: [],
  }
  expect(l2BlockRef(config, block).l1Origin).toEqual(config.genesis.l1)
  expect(systemConfigOfPayload(config, block)).toEqual(config.genesis.systemConfig)
  expect(() => l2BlockRef(config, { ...block, blockHash: bytesToHex(new Uint8Array(32).fill(9)) })).toThrow(FormatError)
})
