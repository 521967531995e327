import fc from 'fast-check'
import { type Abi, encodeFunctionData } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import type { GenesisEvm, Target } from '../../genesis/genesis-evm.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { signCompact } from '../../protocol/compact-signature.ts'
import { receiptSumNames } from '../../protocol/fee.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { batchHash, type Segment, segmentsHash } from '../../protocol/receipt-batch.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { sumRow, sumTreeRoot } from '../../protocol/sum-tree.ts'
import { channelOf, voucherStructHash } from '../../protocol/voucher.ts'
import * as arbitrary from '../fakes/arbitrary-money.ts'
import { alice, deploy, emptyChain } from './chain.ts'

const chainId = 901n
let evm: GenesisEvm
let harness: Target

beforeAll(async () => {
  evm = await emptyChain()
  evm.blockNumber = 77n
  harness = await deploy(evm, 'BatchHarness', `0x${'5e'.repeat(20)}`)
})

const solidity = (name: string, ...args: unknown[]) => evm.call(harness, name, args, { from: alice })

const batchInput = fc.record({
  topHash: arbitrary.hash,
  count: arbitrary.u32,
  sums: arbitrary.sums10,
  class: arbitrary.u8,
  dataHash: arbitrary.hash,
  notAfter: arbitrary.u64,
})

describe('what a commit reads by hand from calldata is what everyone else hashes', () => {
  test('root and parts', async () => {
    await fc.assert(
      fc.asyncProperty(batchInput, async (input) => {
        const root = sumTreeRoot(input.count, sumRow(hexToBytes(input.topHash), input.sums))
        const parts = input.sums.slice(receiptSumNames.indexOf('platform')).reduce((sum, part) => sum + part, 0n)
        expect(await solidity('readBatch', input)).toEqual([bytesToHex(root), parts])
      }),
      { numRuns: 300 },
    )
  })

  test('header and segments', async () => {
    const each = fc.tuple(
      batchInput,
      arbitrary.u64,
      arbitrary.hash,
      arbitrary.hash,
      fc.array(arbitrary.segment, { maxLength: 6 }),
    )
    await fc.assert(
      fc.asyncProperty(each, async ([input, batchId, receiptRoot, hash, segments]) => {
        const { topHash: _, notAfter: __, ...rest } = input
        const block = { committedAt: evm.timestamp, l2Block: evm.blockNumber }
        const expected = batchHash({ ...rest, ...block, batchId, receiptRoot, worker: alice, segmentsHash: hash })
        expect(await solidity('header', input, batchId, receiptRoot, hash)).toBe(bytesToHex(expected))
        expect(await solidity('hashOf', segments)).toBe(bytesToHex(segmentsHash(segments)))
      }),
      { numRuns: 150 },
    )
  })

  test('a segment’s fields and who signed its voucher', async () => {
    const keys = fc.uint8Array({ minLength: 8, maxLength: 8 }).map(keccak256)
    await fc.assert(
      fc.asyncProperty(arbitrary.segment, keys, async (unsigned, key) => {
        const { channel, count, fee, cumulativeCap, deadline } = unsigned
        expect(await solidity('readSegment', unsigned)).toEqual([channel, BigInt(count), fee, cumulativeCap, deadline])
        const segment = signed(unsigned, key)
        const signer = bytesToHex(privateKeyAddress(key))
        expect(await signerOf(segment)).toEqual([signer, channelOf(signer, alice)])
        const others: Segment[] = [
          { ...segment, maxFee: segment.maxFee ^ 1n },
          { ...segment, cumulativeCap: segment.cumulativeCap ^ 1n },
          { ...segment, deadline: segment.deadline ^ 1n },
          { ...segment, requestId: flipped(segment.requestId) },
          { ...segment, channel: flipped(segment.channel) },
        ]
        for (const other of others) expect((await signerOf(other))[0]).not.toBe(signer)
      }),
      { numRuns: 25 },
    )
  })

  test('a signature with s above half the order, or of nobody, has no signer', async () => {
    const [unsigned] = fc.sample(arbitrary.segment, 1)
    if (unsigned === undefined) throw new Error('no sample')
    const segment = signed(unsigned, keccak256(new Uint8Array()))
    const highS: Hex = `0x7f${'ff'.repeat(31)}`
    const zero: Hex = `0x${'00'.repeat(32)}`
    for (const wrong of [{ vs: highS }, { vs: zero }, { r: zero }]) {
      expect((await signerOf({ ...segment, ...wrong }))[0]).toBe(`0x${'00'.repeat(20)}`)
    }
  })
})

describe('a word with more bits than its field is refused', () => {
  const batchFields = ['', 'uint32', ...Array<string>(10).fill('uint128'), 'uint8', '', 'uint64']
  const segmentFields = ['', 'uint32', 'uint128', '', 'uint128', 'uint128', 'uint64', '', '']

  test.each([
    ['readBatch', batchFields],
    ['readSegment', segmentFields],
  ])('by %s, at every field and every bit', async (name, fields) => {
    const [input] = name === 'readBatch' ? fc.sample(batchInput, 1) : fc.sample(arbitrary.segment, 1)
    const clean = hexToBytes(encodeFunctionData({ abi: harness.abi as Abi, functionName: name, args: [input] }))
    expect((await evm.send(harness.address, clean, {})).execResult.exceptionError).toBeUndefined()
    const oversized = keccak256(new TextEncoder().encode('OversizedField()')).subarray(0, 4)
    for (const [i, type] of fields.entries()) {
      if (type === '') continue
      const bits = Number(type.slice('uint'.length))
      for (let bit = bits; bit < 256; bit += 1 + (bit % 7)) {
        const dirty = clean.slice()
        const at = 4 + 32 * i + 31 - Math.floor(bit / 8)
        dirty[at] = (dirty[at] ?? 0) ^ (1 << (bit % 8))
        const { execResult } = await evm.send(harness.address, dirty, {})
        expect(execResult.returnValue).toEqual(oversized)
      }
    }
  })
})

/** The segment under a voucher that its key signed, made out to alice. */
function signed(segment: Segment, key: Uint8Array): Segment {
  const { channel, requestId, maxFee, cumulativeCap, deadline } = segment
  const voucher = { channel, requestId, worker: alice, maxFee, cumulativeCap, deadline }
  const signature = signCompact(moneyDigest(chainId, voucherStructHash(voucher)), key)
  return { ...segment, r: bytesToHex(signature.subarray(0, 32)), vs: bytesToHex(signature.subarray(32)) }
}

async function signerOf(segment: Segment): Promise<[Hex, Hex]> {
  const [signer, channel] = (await solidity('signerOf', segment)) as [string, Hex]
  return [signer.toLowerCase() as Hex, channel]
}

function flipped(hash: Hex): Hex {
  const bytes = hexToBytes(hash)
  return bytesToHex(concatBytes(bytes.subarray(0, 31), Uint8Array.of((bytes[31] ?? 0) ^ 1)))
}
