import { describe, expect, test } from 'vitest'
import { Finality } from '../../../node/driver/finality.ts'
import type { L1BlockRef, L2BlockRef } from '../../../protocol/block-ref.ts'
import { hash } from '../../fakes/rollup-config.ts'

const l1Block = (n: number): L1BlockRef => ({
  hash: hash(0x1000 + n),
  number: BigInt(n),
  parentHash: hash(0x0fff + n),
  timestamp: 12n * BigInt(n),
})
const l2Block = (n: number): L2BlockRef => ({
  hash: hash(0x2000 + n),
  number: BigInt(n),
  parentHash: hash(0x1fff + n),
  timestamp: 2n * BigInt(n),
  l1Origin: l1Block(0),
  sequenceNumber: 0n,
})
const l1 = { blockRefByNumber: async (n: bigint) => l1Block(Number(n)) }

describe('finality', () => {
  test('without a signal nothing is final', async () => {
    const finality = new Finality()
    finality.onSafe(l2Block(1), l1Block(1))
    expect(await finality.due(l2Block(0), l1)).toBeUndefined()
  })

  test('the last L2 block derived up to the finalized L1 block is final', async () => {
    const finality = new Finality()
    for (let i = 1; i <= 5; i++) finality.onSafe(l2Block(10 * i), l1Block(i))
    finality.onSafe(l2Block(35), l1Block(5))
    finality.onFinalizedL1(l1Block(3))
    expect((await finality.due(l2Block(0), l1))?.number).toBe(30n)
    expect(await finality.due(l2Block(30), l1)).toBeUndefined()
  })

  test('of several L2 blocks from one L1 block the last counts', async () => {
    const finality = new Finality()
    finality.onSafe(l2Block(1), l1Block(1))
    finality.onSafe(l2Block(2), l1Block(1))
    finality.onFinalizedL1(l1Block(1))
    expect((await finality.due(l2Block(0), l1))?.number).toBe(2n)
  })

  test('remembers four L1 epochs', async () => {
    const finality = new Finality()
    for (let i = 1; i <= 200; i++) finality.onSafe(l2Block(i), l1Block(i))
    finality.onFinalizedL1(l1Block(71))
    expect(await finality.due(l2Block(0), l1)).toBeUndefined()
    finality.onFinalizedL1(l1Block(72))
    expect((await finality.due(l2Block(0), l1))?.number).toBe(72n)
  })

  test('a finalized L1 block that is not on the chain resets', async () => {
    const finality = new Finality()
    finality.onSafe(l2Block(1), l1Block(1))
    finality.onFinalizedL1({ ...l1Block(2), hash: hash(0xbad) })
    await expect(finality.due(l2Block(0), l1)).rejects.toMatchObject({ code: 'reset' })
  })

  test('an older signal does not take the newer one back', () => {
    const finality = new Finality()
    finality.onFinalizedL1(l1Block(5))
    finality.onFinalizedL1(l1Block(4))
    expect(finality.finalizedL1?.number).toBe(5n)
  })

  test('is tried again when idle, every 64 L1 blocks', async () => {
    const finality = new Finality()
    finality.onFinalizedL1(l1Block(100))
    expect(await finality.due(l2Block(0), l1)).toBeUndefined()
    finality.onSafe(l2Block(7), l1Block(90))
    expect(await finality.due(l2Block(0), l1)).toBeUndefined()
    finality.onIdle(l1Block(90))
    expect((await finality.due(l2Block(0), l1))?.number).toBe(7n)
    finality.onSafe(l2Block(8), l1Block(91))
    finality.onIdle(l1Block(153))
    expect(await finality.due(l2Block(7), l1)).toBeUndefined()
    finality.onIdle(l1Block(154))
    expect((await finality.due(l2Block(7), l1))?.number).toBe(8n)
  })

  test('after a reset only newly derived blocks become final', async () => {
    const finality = new Finality()
    finality.onSafe(l2Block(1), l1Block(1))
    finality.reset()
    finality.onFinalizedL1(l1Block(1))
    expect(await finality.due(l2Block(0), l1)).toBeUndefined()
  })
})
