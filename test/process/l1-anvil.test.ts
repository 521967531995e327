import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { calldataGas, txGas } from '../../chain/tx/tx-gas.ts'
import { systemClock } from '../../common/clock.ts'
import { l1Endpoints } from '../../node/l1/l1-endpoints.ts'
import { type L1HeadEvent, L1Heads } from '../../node/l1/l1-heads.ts'
import { encodeBlob } from '../../protocol/blob-codec.ts'
import { bytesToHex, emptyBytes, type Hex } from '../../protocol/bytes.ts'
import { type Anvil, hasAnvil, startAnvil } from '../fakes/anvil.ts'
import { anvilParts, type L1Parts, l1Parts, log, temporaryDirectory, txManager } from '../fakes/l1-parts.ts'

const inbox: Hex = '0xff00000000000000000000000000000000001612'
const signal = new AbortController().signal

describe.skipIf(!hasAnvil)('L1 client against anvil (skipped without its binary)', () => {
  let anvil: Anvil
  let parts: L1Parts

  beforeAll(async () => {
    anvil = await startAnvil(['--block-time', '1', '--slots-in-an-epoch', '4'])
    parts = anvilParts(anvil.url)
  })
  afterAll(async () => {
    await (parts.kzg as { stop?: () => Promise<void> }).stop?.()
    await anvil.stop()
  })

  test('calldata comes back from the block as it was sent, with its sender', async () => {
    const manager = await txManager(parts)
    const data = Uint8Array.from({ length: 1000 }, (_, i) => (i * 31) & 255)
    const receipt = await manager.submit({ key: 'a', to: inbox, data, gasLimit: calldataGas(data) }, signal)
    const [tx] = await parts.l1.transactions(receipt.blockHash)
    expect(tx?.hash).toBe(receipt.hash)
    expect(tx?.data).toEqual(data)
    expect(tx?.to).toBe(inbox)
    expect(tx?.sender()).toBe(manager.address)
    const { receipts } = await parts.l1.receipts(receipt.blockHash)
    expect(receipts.map(({ status }) => status)).toEqual([1])
  })

  test('blobs come back from the beacon API in order, checked against their hashes', async () => {
    const manager = await txManager(parts)
    const blobs = [1, 2].map((seed) => encodeBlob(Uint8Array.from({ length: 100_000 }, (_, i) => (i * seed) & 255)))
    const receipt = await manager.submit({ key: 'b', to: inbox, data: emptyBytes, gasLimit: txGas, blobs }, signal)
    const block = await parts.l1.blockRefByHash(receipt.blockHash)
    const txs = await parts.l1.transactions(block.hash)
    expect((await parts.l1.receipts(block.hash)).receipts).toHaveLength(txs.length)
    const hashes = txs.flatMap((tx) => tx.blobVersionedHashes).map((hash, index) => ({ hash, index }))
    expect(hashes).toHaveLength(2)
    const fresh = anvilParts(anvil.url)
    expect((await fresh.l1.blobs(block, hashes)).map(bytesToHex)).toEqual(blobs.map(bytesToHex))
    expect((await fresh.l1.blobs(block, hashes.slice(1))).map(bytesToHex)).toEqual(blobs.slice(1).map(bytesToHex))
    const absent = { index: 0, hash: `0x01${'ab'.repeat(31)}` as Hex }
    await expect(fresh.l1.blobs(block, [absent])).rejects.toMatchObject({ code: 'unavailable' })
    await (fresh.kzg as { stop?: () => Promise<void> }).stop?.()
  })

  test('what was sent under a key before a restart is not sent again', async () => {
    const directory = await temporaryDirectory()
    const candidate = { key: 'c', to: inbox, data: Uint8Array.of(1, 2, 3), gasLimit: 30_000n }
    const before = await txManager(parts, { directory })
    await anvil.rpc.request('evm_setIntervalMining', [0])
    const { mined } = await before.nonces()
    const aborted = new AbortController()
    const first = before.submit(candidate, aborted.signal)
    while ((await before.nonces()).pending === mined) await new Promise((done) => setTimeout(done, 20))
    aborted.abort()
    await expect(first).rejects.toMatchObject({ code: 'aborted' })

    const after = await txManager(parts, { directory })
    const second = after.submit(candidate, signal)
    await anvil.mine()
    const receipt = await second
    expect((await after.nonces()).mined).toBe(mined + 1n)

    const third = await txManager(parts, { directory })
    expect(await third.submit(candidate, signal)).toEqual(receipt)
    expect((await third.nonces()).mined).toBe(mined + 1n)
    await anvil.rpc.request('evm_setIntervalMining', [1])
  })

  test('a transaction that a reorg threw out is mined again under its nonce', async () => {
    const manager = await txManager(parts)
    await anvil.rpc.request('evm_setIntervalMining', [0])
    const { mined } = await manager.nonces()
    const candidate = { key: 'd', to: inbox, data: Uint8Array.of(9), gasLimit: 30_000n }
    const submitted = manager.submit(candidate, signal)
    while ((await manager.nonces()).pending === mined) await new Promise((done) => setTimeout(done, 20))
    await anvil.mine()
    await submitted
    await anvil.rpc.request('anvil_reorg', [1, []])
    if ((await manager.inclusion('d')) === undefined) {
      const again = manager.submit(candidate, signal)
      while ((await manager.nonces()).pending === mined) await new Promise((done) => setTimeout(done, 20))
      await anvil.mine()
      await again
    }
    expect(await manager.inclusion('d')).toBeDefined()
    expect((await manager.nonces()).mined).toBe(mined + 1n)
    await anvil.rpc.request('evm_setIntervalMining', [1])
  })

  test('the head poller reports growth, labels and reorgs with their common ancestor', async () => {
    await anvil.rpc.request('evm_setIntervalMining', [0])
    await anvil.mine(12)
    const heads = new L1Heads({ pollIntervalMs: 50 }, { ...parts, log })
    const events: L1HeadEvent[] = []
    heads.on((event) => events.push(event))
    await heads.poll()
    const first = heads.latest
    expect(first).toBeDefined()
    expect(heads.safe?.number).toBeLessThan(first?.number ?? 0n)
    expect(heads.finalized?.number).toBeLessThan(heads.safe?.number ?? 0n)
    for (let i = 0; i < 5; i++) {
      await anvil.mine()
      await heads.poll()
    }
    expect(events.filter(({ kind }) => kind === 'extended')).toHaveLength(6)
    await anvil.rpc.request('anvil_reorg', [3, []])
    await heads.poll()
    const reorg = events.at(-1)
    expect(reorg).toMatchObject({ kind: 'reorg', ancestor: { number: (heads.latest?.number ?? 0n) - 3n } })
    await anvil.mine(3)
    await heads.poll()
    expect(events.at(-1)).toMatchObject({ kind: 'extended' })
    await anvil.rpc.request('evm_setIntervalMining', [1])
  })

  test('over WebSocket L1 reads the same, and new heads are followed without polling', async () => {
    const over = new AbortController()
    const options = { clock: systemClock, signal: over.signal }
    const { endpoints, onNewHead } = l1Endpoints([anvil.url.replace('http', 'ws')], options)
    const { l1, clock, registry } = l1Parts(endpoints)
    const heads = new L1Heads({ pollIntervalMs: 3_600_000 }, { l1, onNewHead, clock, log, registry })
    await heads.start()
    const first = heads.latest?.number ?? 0n
    await new Promise<void>((done) => heads.on(({ head }) => head.number >= first + 2n && done()))
    const latest = heads.latest?.hash as Hex
    expect(await l1.transactions(latest)).toEqual(await parts.l1.transactions(latest))
    expect(await l1.receipts(latest)).toEqual(await parts.l1.receipts(latest))
    await heads.stop()
    over.abort()
  })
})
