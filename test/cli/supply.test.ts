import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { auditSupply } from '../../cli/audit/supply.ts'
import { silentLog } from '../../common/log.ts'
import { buildGenesis } from '../../genesis/build-genesis.ts'
import { devPreset } from '../../genesis/presets.ts'
import { openSupply } from '../../genesis/supply.ts'
import { EmbeddedChain } from '../../node/engine/embedded/chain/chain.ts'
import { engineDir } from '../../node/engine-part.ts'
import { parseGenesis } from '../../protocol/genesis-file.ts'
import { LedgerChain } from '../fakes/ledger-chain.ts'
import { address, hash, testRollupConfig } from '../fakes/rollup-config.ts'

let dataDir: string
let genesis: Awaited<ReturnType<typeof devGenesis>>

async function devGenesis() {
  const l1 = {
    systemConfig: address(1),
    optimismPortal: address(2),
    l2OutputOracle: address(3),
    openBridge: address(4),
    openToken: address(5),
  }
  return (await buildGenesis(devPreset(), { hash: hash(1), number: 0n, timestamp: 1_700_000_000n }, l1)).genesis
}

/** Leaves a chain of this genesis on disk, as an audit that stopped does. */
async function stopped(dir: string, file: unknown): Promise<void> {
  await (
    await EmbeddedChain.open({ dir: engineDir(dir), genesis: parseGenesis(file), archive: false }, { log: silentLog })
  ).close()
}

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'openledger-supply-'))
  genesis = await devGenesis()
})

afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

test('an audit sums every account to the supply', async () => {
  await stopped(dataDir, genesis)
  const supply = await auditSupply({ dataDir, rollupConfig: testRollupConfig(), genesis }, { log: silentLog })
  expect(supply).toEqual({
    block: 0,
    balances: String(openSupply),
    supply: String(openSupply),
    destroyed: '0',
    holds: true,
  })
})

test('it says nothing of a chain that does not have OPEN', async () => {
  const other = { ...genesis, alloc: { [address(7)]: { balance: '0x10' } } }
  const dir = join(dataDir, 'other')
  await stopped(dir, other)
  const chain = { dataDir: dir, rollupConfig: testRollupConfig(), genesis: other }
  expect(await auditSupply(chain, { log: silentLog })).toBeNull()
})

test('transfers and fees leave the sum as it is', async () => {
  const ledger = await LedgerChain.open()
  try {
    await ledger.transfer(ledger.actor('alice'), ledger.actor('bob').address, 5n)
    await ledger.transfer(ledger.actor('bob'), address(0xabc), 10n ** 18n)
    expect(ledger.head.number).toBeGreaterThan(0n)
    expect(ledger.chain.worldAt(ledger.head.hash)?.totalBalance()).toBe(openSupply)
  } finally {
    await ledger.close()
  }
})
