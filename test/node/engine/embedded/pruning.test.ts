import { Level } from 'level'
import { expect, test } from 'vitest'
import { hexToBytes, uintBytes } from '../../../../protocol/bytes.ts'
import {
  account,
  addressOf,
  contractAt,
  EngineWorld,
  forksUntil,
  genesisWith,
  heads,
  transfer,
} from './engine-world.ts'

// Writes the block number to the slot that the calldata names: nodes come, change and come back.
const writer = contractAt(0xc0de)
const genesis = genesisWith(forksUntil('jovian'), [
  account(writer, { code: hexToBytes('0x6001430660003555005b') }),
  ...Array.from({ length: 40 }, (_, n) => account(contractAt(0x5000 + n), { balance: 1n })),
])
const statesKept = { min: 5n, max: 1_000n }

const touch = (nonce: bigint) => transfer(1, nonce, { to: writer, value: 0n, data: uintBytes(nonce % 7n, 32) })

test('a pruned chain has the same heads as an archive, its recent states and no others', async () => {
  const [pruned, archive] = [await EngineWorld.open(genesis, { statesKept }), await EngineWorld.open(genesis)]
  for (let n = 0n; n < 30n; n++) {
    const envelope = await archive.mine([touch(n), transfer(2, n, { to: contractAt(Number(0x5000n + (n % 40n))) })])
    await pruned.accept(envelope)
    const head = pruned.chain.latest().hash
    await pruned.engine.forkchoiceUpdated(heads(head, head, head))
  }
  await pruned.close()
  await pruned.reopen()
  for (let number = 0n; number <= 30n; number++) {
    const hash = archive.chain.canonicalHash(number)
    if (hash === undefined) throw new Error('archive has no such block')
    const state = pruned.chain.stateAt(hash)
    if (number < 25n) expect(state).toBeUndefined()
    else {
      const expected = archive.chain.stateAt(hash)
      for (let n = 0; n < 40; n++) {
        expect(state?.account(contractAt(0x5000 + n))).toEqual(expected?.account(contractAt(0x5000 + n)))
      }
      for (let slot = 0; slot < 7; slot++) {
        expect(state?.storage(writer, uintBytes(slot, 32))).toEqual(expected?.storage(writer, uintBytes(slot, 32)))
      }
    }
  }
  await pruned.close()
  await archive.close()
  const [few, many] = [await nodeCount(pruned.dir), await nodeCount(archive.dir)]
  expect(few).toBeLessThan(many / 3)
})

test('a fork within the kept states can become the chain, and pruning goes on over it', async () => {
  const world = await EngineWorld.open(genesis, { statesKept })
  const twin = await EngineWorld.open(genesis)
  let nonce = 0n
  for (let n = 0; n < 8; n++) await world.accept(await twin.mine([touch(nonce++)]))
  const fork = twin.chain.latest().hash
  const before = nonce
  for (let n = 0; n < 3; n++) await world.accept(await twin.mine([touch(nonce++)]))
  await twin.engine.forkchoiceUpdated(heads(fork))
  nonce = before
  for (let n = 0; n < 12; n++) {
    const envelope = await twin.mine([touch(nonce++), transfer(3, BigInt(n))])
    await world.accept(envelope)
    const { blockHash } = envelope.executionPayload
    await world.engine.forkchoiceUpdated(heads(blockHash, blockHash, blockHash))
  }
  expect(world.chain.latest().hash).toBe(twin.chain.latest().hash)
  await world.close()
  await world.reopen()
  expect(world.balance(addressOf(7))).toBe(12n)
  for (let slot = 0; slot < 7; slot++) {
    expect(world.state().storage(writer, uintBytes(slot, 32))).toEqual(
      twin.state().storage(writer, uintBytes(slot, 32)),
    )
  }
  await world.mine([touch(nonce)])
  await world.close()
  await twin.close()
})

/** Trie nodes in the database of a closed chain. */
async function nodeCount(dir: string): Promise<number> {
  const db = new Level<Uint8Array, Uint8Array>(dir, { keyEncoding: 'view', valueEncoding: 'view' })
  const keys = await db.keys().all()
  await db.close()
  return keys.filter(([prefix]) => prefix === 0x61 || prefix === 0x73).length
}
