import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contributionsOf, versionable } from '../../chain/datanets/contributions.ts'
import { ContentStore } from '../../common/content-store.ts'
import { bytesToHex, zeroHash } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { batchRecordBytes, encodeBatchRecords } from '../../protocol/datanets/item-record.ts'
import { publishTexts } from '../fakes/indexed-datanet.ts'
import { LedgerChain } from '../fakes/ledger-chain.ts'

const dir = mkdtempSync(join(tmpdir(), 'openledger-contributions-'))
const content = new ContentStore(dir, merkleRoot)
const noTraining = 0x010

let chain: LedgerChain
beforeAll(async () => {
  chain = await LedgerChain.open()
})

afterAll(async () => {
  await chain.close()
  rmSync(dir, { recursive: true, force: true })
})

test('the next version holds what is accepted, not withdrawn, not twice and may be trained on, alone or in a batch', async () => {
  const [owner, bob] = [chain.actor('datanet owner'), chain.actor('bob')]
  const { datanet, items } = await publishTexts(chain, content, ['one', 'two', 'three'])
  await chain.send(bob, 'DatanetRegistry', 'withdrawConsent', [items[1]?.contribId])
  const texts = ['four', 'one', 'five', 'six'].map((text) => new TextEncoder().encode(text))
  const batch = texts.map((bytes, i) => {
    return { contentHash: content.put(bytes), simHash: zeroHash, consent: i === 2 ? noTraining : 0, size: bytes.length }
  })
  const root = content.putRecords(encodeBatchRecords(batch), batchRecordBytes)
  const size = batch.reduce((sum, item) => sum + item.size, 0)
  const sent = await chain.send(bob, 'DatanetRegistry', 'submitBatch', [datanet, root, 4, size, zeroHash])
  const first = sent.result as bigint
  await chain.send(owner, 'DatanetRegistry', 'decide', [first + 3n, false, zeroHash])
  await chain.send(owner, 'DatanetRegistry', 'decideBatch', [first, true, zeroHash])
  await chain.send(bob, 'DatanetRegistry', 'submit', [datanet, `0x${'77'.repeat(32)}`, zeroHash, 0, 9, zeroHash])

  const lists = async (of: string) => content.getRecords(of, batchRecordBytes)
  const { known, unlisted } = await contributionsOf(chain.rpc, datanet, lists)
  expect(unlisted).toEqual([])
  expect(known.map(({ status }) => status)).toEqual([
    ...['accepted', 'withdrawn', 'accepted'],
    ...['accepted', 'accepted', 'accepted', 'rejected'],
    'pending',
  ])
  expect(known.slice(3, 7).map((each) => each.size)).toEqual([4, 3, 4, 3])
  expect(versionable(known).map(({ contribId }) => contribId)).toEqual([
    items[0]?.contribId,
    items[2]?.contribId,
    first,
  ])
  const without = await contributionsOf(chain.rpc, datanet, async () => undefined)
  expect(without.unlisted).toEqual([{ firstId: first, isAccepted: true }])
})

test('a batch whose list nobody has, or whose items end before they begin, keeps nobody from the next version', async () => {
  const bob = chain.actor('bob')
  const { datanet, items } = await publishTexts(chain, content, ['seven', 'eight'])
  const list = encodeBatchRecords(
    [9, 8].map((size) => ({ contentHash: zeroHash, simHash: zeroHash, consent: 0, size })),
  )
  // The second item now ends at byte 1, before the first.
  list.set([0, 0, 0, 1], 2 * batchRecordBytes - 4)
  const root = content.putRecords(list, batchRecordBytes)
  const sent = await chain.send(bob, 'DatanetRegistry', 'submitBatch', [datanet, root, 2, 17, zeroHash])
  const hidden = await chain.send(bob, 'DatanetRegistry', 'submitBatch', [
    datanet,
    bytesToHex(new Uint8Array(32).fill(5)),
    3,
    9,
    zeroHash,
  ])
  const { known, unlisted } = await contributionsOf(chain.rpc, datanet, async (of) =>
    content.getRecords(of, batchRecordBytes),
  )
  expect(unlisted).toEqual([{ firstId: hidden.result, isAccepted: false }])
  expect(known.map(({ contribId }) => contribId)).toEqual([...items.map(({ contribId }) => contribId), sent.result])
  expect(versionable(known)).toHaveLength(2)
})
