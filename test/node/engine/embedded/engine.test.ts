import { describe, expect, test } from 'vitest'
import { bytesToHex, zeroHash } from '../../../../protocol/bytes.ts'
import { hardforks } from '../../../../protocol/hardforks.ts'
import { addressOf, deposit, EngineWorld, ether, forksUntil, genesisWith, heads, transfer } from './engine-world.ts'

describe.each(hardforks.map((fork) => ({ fork })))('$fork', ({ fork }) => {
  test('a block built by one engine is valid to another, which comes to the same state', async () => {
    const genesis = genesisWith(forksUntil(fork))
    const [builder, verifier] = [await EngineWorld.open(genesis), await EngineWorld.open(genesis)]
    for (let n = 0n; n < 3n; n++) {
      const envelope = await builder.mine([deposit({ mint: ether, value: 5n }), transfer(1, n), transfer(2, n)])
      await verifier.accept(envelope)
      expect(verifier.chain.latest().hash).toBe(builder.chain.latest().hash)
    }
    expect(verifier.balance(addressOf(7))).toBe(6n)
    expect(verifier.balance(addressOf(8))).toBe(15n)
    await builder.close()
    await verifier.close()
  })
})

describe('payloads', () => {
  test('a block whose parent is unknown is SYNCING, and valid once the parent is there', async () => {
    const genesis = genesisWith(forksUntil('jovian'))
    const [builder, verifier] = [await EngineWorld.open(genesis), await EngineWorld.open(genesis)]
    const [first, second] = [await builder.mine(), await builder.mine()]
    expect(await verifier.engine.newPayload(second)).toEqual({ status: 'SYNCING' })
    const { blockHash } = second.executionPayload
    expect(await verifier.engine.forkchoiceUpdated(heads(blockHash))).toEqual({ payloadStatus: { status: 'SYNCING' } })
    await verifier.accept(first)
    await verifier.accept(second)
    expect(verifier.chain.latest().hash).toBe(blockHash)
    await builder.close()
    await verifier.close()
  })

  test('a wrong block is INVALID with its parent as the latest valid hash, and so are its descendants', async () => {
    const world = await EngineWorld.open(genesisWith(forksUntil('jovian')))
    const parent = world.chain.latest().hash
    const envelope = await world.build([transfer(1, 0n)])
    const { executionPayload } = envelope
    const spoilt = await withHash(world, { ...envelope, executionPayload: { ...executionPayload, gasUsed: 1n } })
    expect(await world.engine.newPayload(spoilt)).toMatchObject({ status: 'INVALID', latestValidHash: parent })
    const child = await withHash(world, {
      ...envelope,
      executionPayload: { ...executionPayload, parentHash: spoilt.executionPayload.blockHash, blockNumber: 2n },
    })
    expect(await world.engine.newPayload(child)).toMatchObject({ status: 'INVALID', latestValidHash: parent })
    expect((await world.engine.newPayload(envelope)).status).toBe('VALID')
    await world.close()
  })

  test('a payload whose hash is not that of its block is INVALID', async () => {
    const world = await EngineWorld.open(genesisWith(forksUntil('jovian')))
    const envelope = await world.build()
    const status = await world.engine.newPayload({
      ...envelope,
      executionPayload: { ...envelope.executionPayload, blockHash: zeroHash },
    })
    expect(status).toMatchObject({ status: 'INVALID', latestValidHash: undefined })
    await world.close()
  })

  test('attributes with a transaction that cannot be in the block are refused as such', async () => {
    const world = await EngineWorld.open(genesisWith(forksUntil('jovian')))
    await expect(world.build([transfer(1, 5n)])).rejects.toMatchObject({ code: 'invalid-attributes' })
    await expect(world.build([Uint8Array.of(1, 2, 3)])).rejects.toMatchObject({ code: 'invalid-attributes' })
    await expect(world.build([], { timestamp: 1_000n })).rejects.toMatchObject({ code: 'invalid-attributes' })
    await expect(world.build([], { minBaseFee: undefined })).rejects.toMatchObject({ code: 'invalid-attributes' })
    await expect(world.build([], { eip1559Params: '0x0000000000000006' })).rejects.toMatchObject({
      code: 'invalid-attributes',
    })
    await expect(world.engine.getPayload('0x0300000000000000')).rejects.toMatchObject({ code: 'unknown-payload' })
    await world.mine([transfer(1, 0n)])
    await world.close()
  })
})

describe('forkchoice', () => {
  test('the head moves to a longer fork and back, and the state with it', async () => {
    const world = await EngineWorld.open(genesisWith(forksUntil('jovian')))
    const root = await world.mine()
    const events: string[] = []
    const a = await world.build([transfer(1, 0n)])
    const b = await world.build([transfer(2, 0n, { value: 7n })])
    world.chain.onHead(({ reverted, added }) => events.push(`${reverted.length}-${added.length}`))
    await world.accept(a)
    expect(world.balance(addressOf(7))).toBe(1n)
    const txOfA = a.executionPayload.transactions[0]
    if (txOfA === undefined) throw new Error('no transaction')
    await world.accept(b)
    expect(world.balance(addressOf(7))).toBe(7n)
    await world.mine([transfer(1, 0n)])
    expect(world.balance(addressOf(7))).toBe(8n)
    await world.engine.forkchoiceUpdated(heads(a.executionPayload.blockHash))
    expect(world.balance(addressOf(7))).toBe(1n)
    expect(world.chain.canonicalHash(3n)).toBeUndefined()
    await world.engine.forkchoiceUpdated(heads(root.executionPayload.blockHash))
    expect(world.balance(addressOf(7))).toBe(0n)
    expect(events).toEqual(['0-1', '1-1', '0-1', '2-1', '1-0'])
    await world.mine([transfer(1, 0n), transfer(2, 0n)])
    expect(world.balance(addressOf(7))).toBe(2n)
    await world.close()
  })

  test('safe and finalized must be ancestors of the head', async () => {
    const world = await EngineWorld.open(genesisWith(forksUntil('jovian')))
    const a = (await world.build([transfer(1, 0n)])).executionPayload
    const b = await world.build([transfer(2, 0n)])
    await world.engine.newPayload(await envelopeOf(world, a.blockHash))
    await world.accept(b)
    const head = b.executionPayload.blockHash
    const update = (safe: typeof head, finalized: typeof head) =>
      world.engine.forkchoiceUpdated(heads(head, safe, finalized))
    await expect(update(`0x${'12'.repeat(32)}`, zeroHash)).rejects.toMatchObject({ code: 'invalid-forkchoice' })
    await update(head, world.chain.canonicalHash(0n) ?? zeroHash)
    expect(world.chain.head('safe')?.hash).toBe(head)
    expect(world.chain.head('finalized')?.header.number).toBe(0n)
    await world.close()
  })

  test('a restart finds head, labels and state as they were', async () => {
    const world = await EngineWorld.open(genesisWith(forksUntil('jovian')))
    const first = await world.mine([transfer(1, 0n)])
    const second = await world.mine([transfer(1, 1n)])
    await world.engine.forkchoiceUpdated(
      heads(second.executionPayload.blockHash, first.executionPayload.blockHash, zeroHash),
    )
    await world.close()
    await world.reopen()
    expect(world.chain.latest().hash).toBe(second.executionPayload.blockHash)
    expect(world.chain.head('safe')?.hash).toBe(first.executionPayload.blockHash)
    expect(world.chain.head('finalized')).toBeUndefined()
    expect(world.balance(addressOf(7))).toBe(2n)
    await world.mine([transfer(1, 2n)])
    expect(world.balance(addressOf(7))).toBe(3n)
    await world.close()
  })

  test('a folder of another chain is refused', async () => {
    const world = await EngineWorld.open(genesisWith(forksUntil('jovian')))
    await world.close()
    await expect(EngineWorld.open(genesisWith(forksUntil('isthmus')), { dir: world.dir })).rejects.toMatchObject({
      code: 'critical',
    })
  })
})

async function withHash(world: EngineWorld, envelope: Awaited<ReturnType<EngineWorld['build']>>) {
  const { payloadBlockHash } = await import('../../../../protocol/payload-block.ts')
  const blockHash = payloadBlockHash(envelope, world.genesis.forkTimes)
  return { ...envelope, executionPayload: { ...envelope.executionPayload, blockHash } }
}

async function envelopeOf(world: EngineWorld, hash: `0x${string}`) {
  const envelope = await world.engine.payloadByHash(hash)
  if (envelope !== undefined) return envelope
  return world.build([transfer(1, 0n)])
}

test('the block reads back as it was sealed', async () => {
  const world = await EngineWorld.open(genesisWith(forksUntil('jovian')))
  const raw = transfer(1, 0n)
  const envelope = await world.mine([deposit({ mint: 1n }), raw])
  const { blockHash } = envelope.executionPayload
  expect(await world.engine.payloadByHash(blockHash)).toEqual(envelope)
  expect(await world.engine.payloadByNumber(1n)).toEqual(envelope)
  expect(await world.engine.payloadByLabel('latest')).toEqual(envelope)
  expect(world.chain.latest().transactions.map(bytesToHex)).toContain(bytesToHex(raw))
  await world.close()
})
