import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signatureHash, signatureOf } from '../../../attribution/near-duplicates/signature.ts'
import { itemTree } from '../../../attribution/suffix/item-tree.ts'
import type { ChainAccess } from '../../../cli/money/action.ts'
import { shownRecord } from '../../../cli/money/contribution-fault.ts'
import { challengeOf, checkedVersion } from '../../../cli/money/version-fault.ts'
import { ContentStore } from '../../../common/content-store.ts'
import { zeroHash } from '../../../protocol/bytes.ts'
import { contentHash, merkleRoot } from '../../../protocol/content-hash.ts'
import { batchRecordBytes, encodeBatchRecords } from '../../../protocol/datanets/item-record.ts'
import { encodeList, listedItemBytes, versionDiff } from '../../../protocol/datanets/version-diff.ts'
import { LedgerChain } from '../../fakes/ledger-chain.ts'
import { permissive } from '../../fakes/licences.ts'
import { noRoots } from '../../fakes/version-diff.ts'

let chain: LedgerChain
const dir = mkdtempSync(join(tmpdir(), 'version-fault-'))
const places = { 'content.dir': dir, node: undefined }
beforeAll(async () => {
  chain = await LedgerChain.open()
}, 60_000)
afterAll(async () => {
  await chain.close()
  rmSync(dir, { recursive: true })
})

test('the commands find the fault of a version whose items are of a batch, and the contract takes what they make', async () => {
  const owner = chain.actor('datanet owner')
  const send = (name: string, args: readonly unknown[]) => chain.send(owner, 'DatanetRegistry', name, args)
  await send('create', [0, 0, permissive, zeroHash, 0n, zeroHash])
  const store = new ContentStore(dir, merkleRoot)
  const contents = ['one', 'two', 'three'].map((value) => new TextEncoder().encode(value))
  const items = contents.map((content) => ({
    ...{ contentHash: contentHash(content), simHash: signatureHash(signatureOf(content)), consent: 0 },
    size: content.length,
  }))
  const root = store.putRecords(encodeBatchRecords(items), batchRecordBytes)
  await send('submitBatch', [1n, root, 3, 11, zeroHash])
  await send('decide', [1n, true, zeroHash])
  await send('decide', [2n, true, zeroHash])
  const listed = items.map((item, i) => ({ contribId: BigInt(i + 1), contentHash: item.contentHash }))
  const versions = [listed.slice(0, 2), listed, listed.slice(0, 1), listed.slice(0, 2)]
  for (const [i, list] of versions.entries()) {
    store.putRecords(encodeList(list), listedItemBytes)
    const { diff } = versionDiff(versions[i - 1] ?? [], list, (id) => items[Number(id) - 1]?.size ?? 0)
    // The last says that what it adds has no bytes, and pays nothing.
    const addedBytes = i === 3 ? 0n : diff.addedBytes
    const args = [1n, { ...noRoots, itemsRoot: itemTree(list).root }, { ...diff, addedBytes }]
    const value = (await chain.read('DatanetRegistry', 'quotePublish', [addedBytes])) as bigint
    await chain.send(owner, 'DatanetRegistry', 'publish', args, { value })
  }
  const access = {
    request: (method: string, params: readonly unknown[] = []) => chain.rpc.request(method, params),
    read: (contract: never, name: string, args: readonly unknown[] = []) => chain.read(contract, name, args),
    signal: new AbortController().signal,
  } as unknown as ChainAccess
  const right = { datanet: 1n, version: 1 }
  expect(await checkedVersion(right, places, access)).toEqual({ ...right, faults: [], undecided: false })
  await expect(challengeOf('refusedItem', right, places, access)).rejects.toThrow('shows no such fault')
  const wrong = { datanet: 1n, version: 2 }
  const found = await checkedVersion(wrong, places, access)
  expect(found).toEqual({ ...wrong, faults: ['show-refused-item'], undecided: false })
  const args = await challengeOf('refusedItem', wrong, places, access)
  await chain.send(chain.actor('watcher'), 'DatanetJudge', 'refusedItem', args)
  expect(await chain.read('DatanetJudge', 'voidFor', [1n, 2])).not.toBe(zeroHash)
  expect((await shownRecord(3n, places, access)).siblings).toHaveLength(2)

  const unpaid = { datanet: 1n, version: 4 }
  expect(await checkedVersion(unpaid, places, access)).toMatchObject({ faults: ['show-false-bytes'] })
  const runs = await challengeOf('falseBytes', unpaid, places, access)
  await chain.send(chain.actor('watcher'), 'DatanetJudge', 'falseBytes', runs)
  expect(await chain.read('DatanetJudge', 'voidFor', [1n, 4])).not.toBe(zeroHash)
})
