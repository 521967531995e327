import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Community, liveCommunity } from '../../../../cli/dev/community/life.ts'
import { communityTables } from '../../../../cli/dev/community/tables.ts'
import { ContentStore } from '../../../../common/content-store.ts'
import { devPrivateKeys } from '../../../../common/dev-keys.ts'
import { silentLog } from '../../../../common/log.ts'
import type { Hex } from '../../../../protocol/bytes.ts'
import { merkleRoot } from '../../../../protocol/content-hash.ts'
import { ServedChain } from '../../../fakes/served-chain.ts'

const dir = mkdtempSync(join(tmpdir(), 'community-'))
let served: ServedChain
let lived: Community

beforeAll(async () => {
  served = await ServedChain.open()
  const contentDir = join(dir, 'content')
  let nowMs = 0
  const clock = {
    nowMs: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms
      served.chain.advance(2)
      await served.chain.mine()
    },
  }
  const options = {
    ...{ chainId: 901n, rpcUrl: served.url, sponsorKey: devPrivateKeys[8] as Hex },
    ...{ contentDir, folder: join(dir, 'people') },
  }
  const { signal } = new AbortController()
  const content = new ContentStore(contentDir, merkleRoot)
  const parts = { rpc: served.chain.rpc, content, clock, signal, log: silentLog }
  lived = await liveCommunity(options, parts as never)
}, 240_000)
afterAll(async () => {
  await served.close()
  rmSync(dir, { recursive: true, force: true })
})

test('two texts are accepted by the validators and the worthless one is not', () => {
  const reviewed = lived.deeds.filter(({ what }) => what.includes('reviewed'))
  expect(reviewed.map(({ outcome }) => outcome.replace(/^contribution \d+: /, ''))).toEqual([
    'accepted with 90 %',
    'accepted with 82 %',
    'rejected with 5 %',
  ])
})

test('what is to be refused is refused by its name', () => {
  const refused = lived.deeds
    .filter(({ isRefused }) => isRefused)
    .map(({ who, outcome }) => [who, outcome.split(':')[0]])
  expect(refused).toEqual([
    ['Dan', 'Duplicate'],
    ['Dan', 'TYPE_MISMATCH'],
    ['Rita', 'NoUnits'],
    ['Cleo', 'LicenceClash'],
    ['Dan', 'LicenceClash'],
  ])
})

test('the vote of the unit holders changes the bond, and ten OPEN reach them by their units', () => {
  expect(lived.vote).toMatchObject({ state: 'executed', for: '700', against: '300' })
  expect(lived.holdings.map(({ who, units, earned }) => [who, units, BigInt(earned) / 10n ** 15n])).toEqual([
    ['Ana', '300', 3_000n],
    ['Ben', '400', 4_000n],
    ['Cleo', '300', 3_000n],
  ])
})

test('the tables name everybody, what was refused, the vote and the earnings', () => {
  const text = communityTables(lived).flat().join('\n')
  for (const word of ['Ana', 'LicenceClash', 'Duplicate', '700', 'executed', '4.000000', 'signed statement'])
    expect(text).toContain(word)
})
