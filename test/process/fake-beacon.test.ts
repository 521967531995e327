import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KzgWorker } from '../../chain/tx/kzg.ts'
import { encodeBlob } from '../../protocol/blob-codec.ts'
import { bytesToHex, emptyBytes, type Hex } from '../../protocol/bytes.ts'
import { type Anvil, hasAnvil, startAnvil } from '../fakes/anvil.ts'
import { type FakeBeacon, startBeacon } from '../fakes/beacon.ts'
import { anvilParts, txManager } from '../fakes/l1-parts.ts'

const inbox: Hex = '0xff00000000000000000000000000000000001612'

/** The interop tests stand on it: what our client reads through it must be what was posted. */
describe.skipIf(!hasAnvil)('the beacon API before anvil (skipped without its binary)', () => {
  const blobs = [1, 2].map((seed) => encodeBlob(Uint8Array.from({ length: 50_000 }, (_, i) => (i * seed) & 255)))
  const beacons: FakeBeacon[] = []
  let anvil: Anvil
  let slot: bigint
  let block: { readonly hash: Hex; readonly number: bigint; readonly timestamp: bigint; readonly parentHash: Hex }
  let hashes: Hex[]

  beforeAll(async () => {
    anvil = await startAnvil(['--timestamp', String(Math.floor(Date.now() / 1000) - 600)])
    const parts = anvilParts(anvil.url)
    const manager = await txManager(parts)
    const receipt = await manager.submit(
      { key: 'a', to: inbox, data: emptyBytes, gasLimit: 21_000n, blobs },
      new AbortController().signal,
    )
    block = await parts.l1.blockRefByHash(receipt.blockHash)
    const genesis = await parts.l1.blockRefByNumber(0n)
    slot = block.timestamp - (genesis?.timestamp ?? 0n)
    const txs = await parts.l1.transactions(block.hash)
    hashes = txs.flatMap((tx) => tx.blobVersionedHashes)
    await (parts.kzg as KzgWorker).stop()
  })

  afterAll(async () => {
    await Promise.all(beacons.map((beacon) => beacon.stop()))
    await anvil?.stop()
  })

  test.each(['blobs', 'blob_sidecars'] as const)(
    'our client reads a block’s blobs where %s is not served',
    async (lacks) => {
      const beacon = await startBeacon(anvil.url, { lacks })
      beacons.push(beacon)
      // Proofs take longer than our client waits on a busy machine; they are kept.
      await fetch(`${beacon.url}/eth/v1/beacon/blob_sidecars/${slot}`)
      const { l1, kzg } = anvilParts(anvil.url, beacon.url)
      const wanted = hashes.map((hash, index) => ({ hash, index }))
      expect((await l1.blobs(block, wanted)).map(bytesToHex)).toEqual(blobs.map(bytesToHex))
      await (kzg as KzgWorker).stop()
    },
  )

  test('versioned_hashes may be repeated or stand with commas, and filter', async () => {
    const beacon = await startBeacon(anvil.url)
    beacons.push(beacon)
    const get = async (query: string) => {
      const answer = await fetch(`${beacon.url}/eth/v1/beacon/blobs/${slot}${query}`)
      return ((await answer.json()) as { readonly data: readonly Hex[] }).data
    }
    const all = blobs.map(bytesToHex)
    expect(await get('')).toEqual(all)
    expect(await get(`?versioned_hashes=${hashes.join(',')}`)).toEqual(all)
    expect(await get(`?versioned_hashes=${hashes[0]}&versioned_hashes=${hashes[1]}`)).toEqual(all)
    expect(await get(`?versioned_hashes=${hashes[1]}`)).toEqual(all.slice(1))
    const empty = await fetch(`${beacon.url}/eth/v1/beacon/blobs/${slot + 100n}`)
    expect(empty.status).toBe(404)
  })
})
