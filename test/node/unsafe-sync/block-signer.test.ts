import { expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import type { L1HeadEvent } from '../../../node/l1/l1-heads.ts'
import { BlockSigner, previousMs, readMs, unsafeBlockSignerSlot } from '../../../node/unsafe-sync/block-signer.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import { ManualClock } from '../../fakes/manual-clock.ts'
import { address, hash } from '../../fakes/rollup-config.ts'

function world() {
  const clock = new ManualClock()
  const reads: (readonly [Hex, Hex, Hex])[] = []
  const l1 = { signer: 0xa1, failure: undefined as Error | undefined }
  const listeners = new Set<(event: L1HeadEvent) => void>()
  const signer = new BlockSigner(address(0x5c), {
    l1: {
      storageAt: async (...asked) => {
        reads.push(asked)
        if (l1.failure !== undefined) throw l1.failure
        return hash(l1.signer)
      },
    },
    l1Heads: {
      latest: undefined,
      on: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    clock,
    log: silentLog,
  })
  const stop = signer.follow()
  const head = async (number: number) => {
    const ref = { number: BigInt(number), hash: hash(number), parentHash: hash(number - 1), timestamp: 0n }
    for (const listener of listeners) listener({ kind: 'extended', head: ref })
    await signer.settled()
  }
  return { clock, l1, reads, signer, head, stop }
}

test('nobody may sign until L1 was read', async () => {
  const { signer, head, reads } = world()
  expect(signer.accepted()).toEqual([])
  await head(1)
  expect(signer.accepted()).toEqual([address(0xa1)])
  expect(reads).toEqual([[address(0x5c), unsafeBlockSignerSlot, hash(1)]])
})

test('a new signer is followed, and the old one counts while its blocks may still be on their way', async () => {
  const { clock, l1, signer, head } = world()
  await head(1)
  l1.signer = 0xb2
  clock.advance(readMs)
  await head(2)
  expect(signer.accepted()).toEqual([address(0xb2), address(0xa1)])
  clock.advance(previousMs)
  expect(signer.accepted()).toEqual([address(0xb2)])
})

test('L1 is not asked at every block', async () => {
  const { clock, reads, head } = world()
  for (let number = 1; number <= 24; number++) {
    await head(number)
    clock.advance(1_000)
  }
  expect(reads).toHaveLength(2)
})

test('a reading that fails is repeated at the next block, and the known signer stays', async () => {
  const { clock, l1, signer, head } = world()
  await head(1)
  clock.advance(readMs)
  l1.failure = new Error('timeout')
  await head(2)
  expect(signer.accepted()).toEqual([address(0xa1)])
  l1.failure = undefined
  l1.signer = 0xb2
  await head(3)
  expect(signer.accepted()[0]).toBe(address(0xb2))
})

test('the zero address is nobody', async () => {
  const { l1, signer, head } = world()
  l1.signer = 0
  await head(1)
  expect(signer.accepted()).toEqual([])
})

test('after the stop L1 is not asked any more', async () => {
  const { stop, head, reads } = world()
  stop()
  await head(1)
  expect(reads).toEqual([])
})
