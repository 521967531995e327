import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { devPrivateKeys } from '../../../common/dev-keys.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../../protocol/bytes.ts'
import { privateKeyAddress } from '../../../protocol/secp256k1.ts'
import { openledgerHere, type Ran } from '../../fakes/money-cli.ts'
import { ServedChain } from '../../fakes/served-chain.ts'

/** A permissioned Datanet by the command line alone: shares, a licence that is sold, sealed content, a vote. */
const dir = mkdtempSync(join(tmpdir(), 'openledger-units-'))
const [owner, contributor, buyer, reader] = [1, 2, 3, 4] as const
const addressOf = (n: number): Hex => bytesToHex(privateKeyAddress(hexToBytes(devPrivateKeys[n] ?? '0x')))
const file = (name: string, text?: string): string => {
  const path = join(dir, name)
  if (text !== undefined) writeFileSync(path, text)
  return path
}

let served: ServedChain
beforeAll(async () => {
  served = await ServedChain.open()
})
afterAll(async () => {
  await served.close()
  rmSync(dir, { recursive: true, force: true })
})

const env = (who: number) => ({ OPENLEDGER_RPC: served.url, OPENLEDGER_DEV_ACCOUNT: String(who) })
const run = (who: number, line: string): Promise<Ran> => openledgerHere(line.split(' '), { env: env(who) })

async function does(who: number, line: string): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  const { code, stdout, stderr } = await run(who, `${line} --yes --json`)
  expect(code, `${line}: ${stderr}`).toBe(0)
  const { receipt } = JSON.parse(stdout) as { receipt: { events: { name: string; args: Record<string, string> }[] } }
  return Object.fromEntries(receipt.events.map(({ name, args }) => [name, args]))
}

async function shows(who: number, line: string): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout, stderr } = await run(who, `${line} --json`)
  expect(code, `${line}: ${stderr}`).toBe(0)
  return JSON.parse(stdout) as Record<string, unknown>
}

async function isRefused(who: number, line: string, why: string): Promise<void> {
  const { code, stderr } = await run(who, line)
  expect([code, stderr.includes(why)], `${line}: ${stderr}`).toEqual([1, true])
}

async function later(seconds: bigint): Promise<void> {
  served.chain.advance(seconds)
  await served.chain.mine()
}

test('a Datanet’s shares are allotted, sold and paid, its content read by who bought access, its price voted on', async () => {
  const meta = `0x${'12'.repeat(32)}`
  await does(owner, `datanet create --media text --visibility permissioned --licence MIT --meta ${meta}`)

  // Sealed content is what is contributed; its key stays with the owner.
  const plain = file('plain.txt', 'a text that few may read')
  const [sealed, key] = [file('sealed.txt'), file('key.hex')]
  const { code, stdout } = await run(
    owner,
    `datanet seal --datanet 1 --in ${plain} --out ${sealed} --content-key ${key}`,
  )
  expect([code, stdout]).toEqual([0, expect.stringContaining('content hash 0x')])
  expect(readFileSync(sealed, 'utf8')).not.toContain('few may read')
  const store = `--content.dir ${file('content')}`
  const { ContributionSubmitted } = await does(
    owner,
    `datanet submit --datanet 1 --file ${sealed} --source clinic --use research ${store}`,
  )
  expect(stdout).toContain(ContributionSubmitted?.['contentHash'])
  await does(owner, 'datanet decide --contribution 1 --accept true')

  // 60 units of the owner, 40 of a contributor, by a list whose root the version names.
  const list = file('units.csv', `${addressOf(owner)},60\n${addressOf(contributor)},40\n`)
  const root = file('allotment.json')
  expect((await run(owner, `datanet allotment --allotment ${list} --out ${root}`)).code).toBe(0)
  const allotment = JSON.parse(readFileSync(root, 'utf8')) as { root: Hex; units: string }
  expect(allotment.units).toBe('100')
  await does(owner, `datanet publish --datanet 1 --units ${allotment.units} --units-root ${allotment.root} ${store}`)
  await does(contributor, `datanet units-claim --version 1.1 --allotment ${list}`)
  await does(contributor, `datanet units-claim --version 1.1 --allotment ${list} --contributor ${addressOf(owner)}`)

  await isRefused(reader, 'datanet allowed --version 1.1 --purpose read', 'has no grant')
  await does(owner, 'datanet offer --datanet 1 --purpose read --price 10 --lasts 30d')
  await does(reader, 'datanet buy --datanet 1 --purpose read')
  expect(await shows(reader, 'datanet allowed --version 1.1 --purpose read')).toMatchObject({ allowed: true })
  const opened = file('opened.txt')
  const open = `datanet open --version 1.1 --in ${sealed} --out ${opened}`
  expect((await run(reader, open)).stderr).toContain('no key of version 1.1')
  await does(owner, `datanet deliver-key --grant 1 --version 1 --content-key ${key}`)
  expect((await run(reader, open)).code).toBe(0)
  expect(readFileSync(opened, 'utf8')).toBe('a text that few may read')
  expect((await run(buyer, open)).code).not.toBe(0)

  // Sold after the licence: the income of before stays the contributor's.
  await does(contributor, `datanet units-send --version 1.1 --to ${addressOf(buyer)} --amount 40`)
  expect(await shows(contributor, 'datanet units --datanet 1')).toMatchObject({ movable: '0' })
  const { PoolClaimed } = await does(contributor, 'claim pool --pool datanet:1')
  expect(PoolClaimed?.['amount']).toBe('4000000000000000000')

  // Asked for, denied, refunded.
  await does(buyer, 'datanet request-access --datanet 1 --purpose train --lasts 1d --price 2')
  await isRefused(buyer, 'datanet grant --request 1 --yes', 'not yours')
  await does(owner, 'datanet deny --request 1')
  await does(buyer, 'datanet access-refund')

  await does(owner, 'datanet vote-rule --datanet 1 --parameter vote-period --value 60')
  await does(owner, 'datanet govern --datanet 1')
  await isRefused(owner, 'datanet offer --datanet 1 --purpose read --price 1 --lasts 1d --yes', 'then a vote')
  await does(buyer, 'datanet propose --datanet 1 --parameter bond --value 5000')
  await does(buyer, 'datanet vote --proposal 1 --support for')
  await isRefused(contributor, 'datanet vote --proposal 1 --support against --yes', 'held no units')
  await later(61n)
  expect(await shows(owner, 'datanet proposal --proposal 1')).toMatchObject({ state: 'succeeded' })
  await does(reader, 'datanet execute --proposal 1')
  expect(await shows(owner, 'datanet proposal --proposal 1')).toMatchObject({ state: 'executed' })
}, 120_000)
