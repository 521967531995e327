import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { address } from '../fakes/indexed-chain.ts'
import { createDatanet, dump, IndexWorld, submit } from '../fakes/test-index.ts'

let world: IndexWorld

beforeEach(async () => {
  world = await IndexWorld.start()
})

afterEach(() => world.stop())

describe('sync', () => {
  test('a head that only goes down is a lagging node, not a reorg', async () => {
    const index = world.open()
    for (let i = 0; i < 5; i++) world.chain.mine([])
    await index.follow()
    const catchUp = world.chain.lagTo(2)
    expect(await index.sync.step()).toBe(false)
    expect(index.store.cursor()?.number).toBe(5)
    catchUp()
    expect(index.events.some((event) => event.kind === 'reorg')).toBe(false)
  })

  test('a replaced block that the node called final stops the index by name', async () => {
    const index = world.open()
    for (let i = 0; i < 8; i++) world.chain.mine([])
    world.chain.finalized = 6
    await index.follow()
    for (let i = 0; i < 25; i++) await index.sync.step()
    world.chain.drop(5)
    for (let i = 0; i < 7; i++) world.chain.mine([])
    await expect(index.follow()).rejects.toMatchObject({ code: 'deep-reorg' })
  })

  test('another chain behind the same URL is refused', async () => {
    const index = world.open()
    for (let i = 0; i < 3; i++) world.chain.mine([])
    await index.follow()
    world.chain.restart()
    for (let i = 0; i < 6; i++) world.chain.mine([])
    await expect(index.follow()).rejects.toMatchObject({ code: 'wrong-chain' })
  })

  test('receipts that do not have the header’s root are not indexed', async () => {
    const index = world.open()
    world.chain.mine([submit(1n, 1n, address(2), 'x')])
    world.chain.intercept = (method, result) =>
      method === 'eth_getBlockReceipts'
        ? (result as { gasUsed: string; logs: unknown[] }[]).map((one) => ({ ...one, logs: [] }))
        : result
    await expect(index.follow()).rejects.toThrow(/receipts of block 1/)
    expect(index.store.cursor()).toBeUndefined()
    world.chain.intercept = (_, result) => result
    world.chain.drop(1)
    world.chain.mine([createDatanet(1n)])
    await index.follow()
  })

  test('an index that was closed goes on where it stopped', async () => {
    const first = world.open()
    world.chain.mine([createDatanet(1n)])
    await first.follow()
    world.close(first)
    world.chain.mine([submit(1n, 1n, address(2), 'x')])
    const again = world.open()
    await again.follow()
    const fresh = world.open('fresh')
    await fresh.follow()
    expect(dump(again.store)).toEqual(dump(fresh.store))
  })
})
