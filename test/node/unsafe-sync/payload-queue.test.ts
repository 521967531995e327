import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PayloadQueue } from '../../../node/unsafe-sync/payload-queue.ts'
import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { FakeEngine } from '../../fakes/fake-engine.ts'
import { hash, testRollupConfig } from '../../fakes/rollup-config.ts'

const template = await new FakeEngine(testRollupConfig()).payloadByLabel('latest')

function payload(number: number, options: { readonly bytes?: number; readonly parent?: number } = {}): PayloadEnvelope {
  if (template === undefined) throw new Error('no genesis')
  return {
    executionPayload: {
      ...template.executionPayload,
      blockNumber: BigInt(number),
      blockHash: hash(number),
      parentHash: hash(options.parent ?? number - 1),
      transactions: [new Uint8Array(options.bytes ?? 0)],
    },
  }
}
const id = (n: number) => ({ hash: hash(n), number: BigInt(n) })

describe('unsafe payload queue', () => {
  test('gives payloads by number, whatever the order they came in', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { maxLength: 60 }), (numbers) => {
        const queue = new PayloadQueue()
        for (const n of numbers) queue.push(payload(n))
        const popped: number[] = []
        for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
          popped.push(Number(next.executionPayload.blockNumber))
        }
        expect(popped).toEqual(numbers.toSorted((a, b) => a - b))
        expect([queue.bytes, queue.length]).toEqual([0, 0])
      }),
    )
  })

  test('takes a block once', () => {
    const queue = new PayloadQueue()
    expect([queue.push(payload(1)), queue.push(payload(1)), queue.length]).toEqual([true, false, 1])
  })

  test('gives up the lowest when full, and refuses what could never fit', () => {
    const queue = new PayloadQueue(10_000)
    for (const n of [3, 1, 2]) queue.push(payload(n, { bytes: 3000 }))
    expect(queue.peek()?.executionPayload.blockNumber).toBe(2n)
    expect(queue.bytes).toBeLessThanOrEqual(10_000)
    expect(queue.push(payload(9, { bytes: 20_000 }))).toBe(false)
  })

  test('next is the child of the head; passed and conflicting blocks are dropped, later ones wait', () => {
    const queue = new PayloadQueue()
    for (const n of [1, 2, 4]) queue.push(payload(n))
    queue.push({ executionPayload: { ...payload(3, { parent: 99 }).executionPayload, blockHash: hash(0x33) } })
    expect(queue.next(id(1))?.executionPayload.blockNumber).toBe(2n)
    queue.pop()
    expect(queue.next(id(2))).toBeUndefined()
    expect(queue.length).toBe(1)
    queue.push(payload(3))
    expect(queue.next(id(2))?.executionPayload.blockHash).toBe(hash(3))
  })
})
