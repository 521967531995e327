import fc from 'fast-check'
import { type Abi, encodeFunctionData } from 'viem'
import { describe, expect, test } from 'vitest'
import { loadArtifact } from '../../contracts/artifact.ts'
import { bytesToHex, FormatError, hexToBytes } from '../../protocol/bytes.ts'
import { committedBatch, readCommitBatch } from '../../protocol/commit-batch.ts'
import { segmentsHash } from '../../protocol/receipt-batch.ts'
import { MoneyWorld } from '../fakes/money-world.ts'
import { stake } from '../fakes/standing-model.ts'

const { abi } = loadArtifact('InferenceMarket')
const encode = (input: unknown, segments: unknown) =>
  hexToBytes(encodeFunctionData({ abi: abi as Abi, functionName: 'commitBatch', args: [input, segments] }))

const word = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytesToHex)
const uint = (bits: number) => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })
const u32 = uint(32).map(Number)
const input = fc.record({
  topHash: word,
  count: u32,
  sums: fc.array(uint(128), { minLength: 10, maxLength: 10 }),
  class: fc.integer({ min: 0, max: 255 }),
  dataHash: word,
  notAfter: uint(64),
})
const segment = fc.record({
  ...{ channel: word, count: u32, fee: uint(128), requestId: word, maxFee: uint(128), cumulativeCap: uint(128) },
  ...{ deadline: uint(64), r: word, vs: word },
})

describe('calldata of commitBatch', () => {
  test('is read as viem writes it', () => {
    fc.assert(
      fc.property(input, fc.array(segment, { maxLength: 33 }), (sent, segments) => {
        expect(readCommitBatch(encode(sent, segments))).toEqual({ input: sent, segments })
      }),
    )
  })

  test('cut short or of another function it is refused', () => {
    const [sent] = fc.sample(input, { numRuns: 1, seed: 3 })
    const calldata = encode(sent, fc.sample(segment, { numRuns: 2, seed: 4 }))
    for (let length = 0; length < calldata.length; length += 31) {
      expect(() => readCommitBatch(calldata.subarray(0, length))).toThrow(FormatError)
    }
    expect(() => readCommitBatch(hexToBytes('0x12345678'))).toThrow(FormatError)
  })

  test('gives the header whose hash the contract keeps', async () => {
    const world = await MoneyWorld.create()
    const [worker, payer] = [world.chain.actor('worker'), world.chain.actor('payer')]
    await stake(world.chain, worker)
    await world.deposit(payer, worker, 10n ** 18n)
    const built = world.build(worker, [world.plan(payer, worker), world.plan(payer, worker, 7, 9)])
    const { batch } = await world.commit(worker, built)
    const { batchId, committedAt, l2Block } = batch.header
    const place = { batchId, worker: worker.address, committedAt, l2Block }
    const { header, segments } = committedBatch(encode(built.input, built.segments), place)
    // The fake's own header is the one that the contract accepts in every other test.
    expect(header).toEqual(batch.header)
    expect(bytesToHex(segmentsHash(segments))).toBe(header.segmentsHash)
  })
})
