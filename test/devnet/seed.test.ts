import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { versionUri } from '../../attribution/datanets/croissant.ts'
import { describedFiles, verifyStatement } from '../../attribution/datanets/statement.ts'
import { type SeedResult, seedChain } from '../../cli/dev/seed.ts'
import type { SeedDatanet } from '../../cli/dev/seed-sources.ts'
import { systemClock } from '../../common/clock.ts'
import { ContentStore } from '../../common/content-store.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { silentLog } from '../../common/log.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { parseCanonical } from '../../protocol/jcs.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { ServedChain } from '../fakes/served-chain.ts'

const contentDir = mkdtempSync(join(tmpdir(), 'openledger-seed-'))
const content = new ContentStore(contentDir, merkleRoot)
const owner = bytesToHex(privateKeyAddress(hexToBytes(devPrivateKeys[0])))
const numbers: SeedDatanet = {
  ...{ name: 'Numbers', description: 'Numbers in words and digits', mediaType: 'text/plain', licence: 'MIT' },
  ...{ source: 'this test', texts: Array.from({ length: 26 }, (_, n) => ({ source: `#${n}`, text: `number ${n}` })) },
}

let served: ServedChain
let seeded: SeedResult
beforeAll(async () => {
  served = await ServedChain.open()
  seeded = await seed()
}, 120_000)
afterAll(async () => {
  await served.close()
  rmSync(contentDir, { recursive: true })
})

async function seed(): Promise<SeedResult> {
  const rpc = new HttpRpcClient({ url: served.url, timeoutMs: 60_000 })
  const parts = { rpc, content, clock: systemClock, log: silentLog, signal: new AbortController().signal }
  return await seedChain([numbers], { chainId: 901n, rpcUrl: served.url, contentDir }, parts)
}

test('a seeded Datanet’s version has a Croissant 1.1 description and its owner’s statement, both by their hashes on chain', async () => {
  expect(seeded).toMatchObject({ datanets: 1, items: 26, batches: 4 })
  const onChain = (await served.chain.read('DatanetRegistry', 'versions', [1n, 1])) as Record<
    'itemsRoot' | 'croissantHash' | 'statementHash',
    Hex
  >
  const [croissant, statement] = [content.get(onChain.croissantHash), content.get(onChain.statementHash)]
  if (croissant === undefined || statement === undefined) throw new Error('not kept')
  const { itemsRoot, croissantHash, statementHash } = onChain
  const byName = new Map(describedFiles(croissant).map((file) => [file.name, file.contentHash as Hex]))
  const file = (name: string) => content.get(byName.get(name) ?? '0x')
  const version = versionUri({ chainId: 901n, datanet: 1n, version: 1 })
  const expected = { ...{ itemsRoot, croissantHash, statementHash, croissant, version, file }, signer: owner }
  expect(verifyStatement(statement, expected).files).toBe(26)
  expect(parseCanonical(croissant)).toMatchObject({
    ...{ name: 'Numbers', license: 'https://spdx.org/licenses/MIT.html', description: numbers.description },
    conformsTo: ['http://mlcommons.org/croissant/1.1', 'http://mlcommons.org/croissant/RAI/1.0'],
  })
})

test('a chain that is seeded is left as it is', async () => {
  const { number } = served.chain.head
  expect((await seed()).lastBlock).toBe(number)
})
