import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ContentStore } from '../../../common/content-store.ts'
import { devPrivateKeys } from '../../../common/dev-keys.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../../protocol/bytes.ts'
import { merkleRoot } from '../../../protocol/content-hash.ts'
import { privateKeyAddress } from '../../../protocol/secp256k1.ts'
import { LedgerMarket } from '../../fakes/ledger-market.ts'
import { clocks } from '../../fakes/money-chain.ts'
import { openledgerHere } from '../../fakes/money-cli.ts'
import { ServedChain } from '../../fakes/served-chain.ts'

/** An agent's life and a grant's by the command line alone: docs/AGENTS.md, docs/GRANTS.md. Each act stands on those before it. */
const dir = mkdtempSync(join(tmpdir(), 'openledger-agents-'))
const content = join(dir, 'content')
const trail = join(dir, 'trail.jsonl')
const [owner, watcher, grantee] = [1, 2, 3] as const
const addressOf = (n: number): Hex => bytesToHex(privateKeyAddress(hexToBytes(devPrivateKeys[n] ?? '0x')))
const window = clocks.window

let served: ServedChain
let market: LedgerMarket
let worker: Hex
let key: { readonly address: Hex; readonly key: Hex }
let batch: bigint
let requestId: Hex
let fee: bigint

beforeAll(async () => {
  served = await ServedChain.open()
  market = await LedgerMarket.open(served.chain)
  worker = served.chain.actor('worker').address
  key = served.chain.actor('alice')
}, 120_000)

afterAll(async () => {
  await served.close()
  rmSync(dir, { recursive: true, force: true })
})

/** A dev account, or the agent's key. */
type Who = number | 'key'
const env = (who: Who) => ({
  OPENLEDGER_RPC: served.url,
  ...(who === 'key' ? { OPENLEDGER_PRIVATE_KEY: key.key } : { OPENLEDGER_DEV_ACCOUNT: String(who) }),
})
const words = (line: string) => line.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? []

/** Sends; names of the events. */
async function does(who: Who, line: string): Promise<string[]> {
  const { code, stdout, stderr } = await openledgerHere([...words(line), '--yes', '--json'], { env: env(who) })
  expect(code, `${line}: ${stderr}`).toBe(0)
  const { receipt } = JSON.parse(stdout) as { receipt: { events: { name: string }[] } }
  return receipt.events.map(({ name }) => name)
}

async function shows(who: Who, line: string): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout, stderr } = await openledgerHere([...words(line), '--json'], { env: env(who) })
  expect(code, `${line}: ${stderr}`).toBe(0)
  return JSON.parse(stdout) as Record<string, unknown>
}

async function isRefused(who: Who, line: string, why: string, isQuery = false): Promise<void> {
  const { code, stderr } = await openledgerHere([...words(line), ...(isQuery ? [] : ['--yes'])], { env: env(who) })
  expect([code, stderr.includes(why)], `${line}: ${stderr}`).toEqual([1, true])
}

async function later(seconds: bigint): Promise<void> {
  served.chain.advance(seconds)
  await served.chain.mine()
}

describe('an agent', { timeout: 120_000 }, () => {
  test('is registered and staked, and gets feedback and a finding', async () => {
    expect(await does(owner, 'agent register --uri ipfs://agent --name reader')).toContain('Registered')
    await does(watcher, 'agent stake --agent 1 --amount 10')
    await does(owner, `agent authorise --agent 1 --client ${addressOf(watcher)}`)
    await does(watcher, 'agent feedback --agent 1 --value 9.5 --tag1 starred')
    await isRefused(owner, 'agent feedback --agent 1 --value 10', 'owns or runs agent 1')
    const name = `0x${'0a'.repeat(32)}`
    await does(owner, `agent validate --agent 1 --validator ${addressOf(watcher)} --uri ipfs://work --hash ${name}`)
    expect(await does(watcher, `agent validated --request ${name} --response 90`)).toEqual(['ValidationResponse'])
    expect(await shows(owner, 'agent show --agent 1')).toMatchObject({ stake: String(10n ** 19n), uri: 'ipfs://agent' })
  })

  test('has a key that spends within its limits, from its purse', async () => {
    await does(owner, 'agent fund --agent 1 --amount 20')
    await does(
      owner,
      `agent grant-key --agent 1 --key ${key.address} --per-request 1 --per-day 3 --models 1 --payees ${worker}`,
    )
    await isRefused('key', `agent fund-channel --worker ${worker} --amount 1`, 'use agent bind with the key first')
    await does('key', 'agent bind --agent 1')
    await isRefused('key', `agent fund-channel --worker ${worker} --amount 2`, 'may spend at once')
    await does('key', `agent fund-channel --worker ${worker} --amount 1`)
    await does('key', `agent pay --to ${worker} --amount 1 --ref "invoice 1"`)
    await isRefused('key', `agent pay --to ${addressOf(watcher)} --amount 1 --ref x`, 'may not pay')
    await does('key', `agent fund-channel --worker ${worker} --amount 1`)
    await isRefused('key', `agent fund-channel --worker ${worker} --amount 1wei`, 'of a day')
    expect(await shows('key', 'agent show-key')).toMatchObject({ isLive: true, leftToday: '0', agent: '1' })
    await isRefused('key', `infer request-withdrawal --worker ${worker} --amount 1`, 'are bound to')
  })

  test('writes down what it did: every paid leg resolves, a forged one is refused by name', async () => {
    const { built, file } = market.build(1)
    new ContentStore(content, merkleRoot).put(file)
    batch = await market.commit({ built })
    const [first] = built.receipts
    if (first === undefined) throw new Error('nothing was built')
    ;[requestId, fee] = [first.receipt.requestId, first.receipt.fee]
    const record = async (line: string) => {
      const { code, stderr } = await openledgerHere(words(`agent record --trail ${trail} ${line}`))
      expect(code, stderr).toBe(0)
    }
    await record(`--agent 1 --chain-id 901 --trail-id day --kind tool --name search --ref "invoice 1" --fee 1`)
    await record(`--kind model --name base --parent 1 --ref ${requestId} --fee ${fee}wei`)
    const verify = `agent verify-trail --trail ${trail} --content.dir ${content} --batches ${batch}`
    expect(await shows(watcher, verify)).toMatchObject({
      isAnchored: false,
      spans: 3,
      legs: [{}, { provenBy: `receipt 0 of batch ${batch}` }],
    })
    await record('--kind model --name base --ref nothing --fee 1wei')
    await isRefused(watcher, verify, 'ForgedLeg: action 3', true)
    expect(await does('key', `agent anchor --trail ${trail}`)).toEqual(['TrailAnchored'])
  })

  test('proves a leg that is challenged, and pays half of its stake for the one it cannot', async () => {
    await isRefused(watcher, `agent challenge --trail ${trail} --leg 2`, 'challenge it from')
    await later(window)
    for (const leg of [2, 3]) await does(watcher, `agent challenge --trail ${trail} --leg ${leg}`)
    const proof = `agent prove --trail ${trail} --leg 2 --batch ${batch} --content.dir ${content}`
    expect(await does(owner, proof)).toEqual(['LegProven'])
    await does(owner, `agent claim-owed --to ${addressOf(owner)}`)
    await later(window + 1n)
    const trailId = `0x${Buffer.from('day').toString('hex').padEnd(64, '0')}`
    const closed = await does(watcher, `agent close-challenge --agent 1 --trail ${trailId} --leg 3`)
    expect(closed).toEqual(expect.arrayContaining(['LegForged', 'AgentSlashed', 'RewardWon']))
    expect(await shows(owner, 'agent show --agent 1')).toMatchObject({ stake: String(5n * 10n ** 18n) })
  })

  test('takes back what its key did not spend', async () => {
    await does(owner, `agent revoke-key --key ${key.address}`)
    await does(owner, `agent recall --key ${key.address} --worker ${worker} --amount 1`)
    await later(clocks.withdrawalDelay)
    await does(watcher, `agent fetch --key ${key.address} --worker ${worker}`)
    expect(await shows(owner, 'agent show --agent 1')).toMatchObject({ inPurse: String(18n * 10n ** 18n) })
    await does(owner, `agent withdraw --agent 1 --to ${addressOf(owner)} --amount 18`)
  })
})

test('a grant is funded, given up in part and shown, and what is not needed comes back', {
  timeout: 120_000,
}, async () => {
  const schema = `0x${'5c'.repeat(32)}`
  const term = (amount: number) => `${amount}:30d:${schema}:${addressOf(watcher)}`
  await does(owner, `grant create --to ${addressOf(grantee)} --milestones ${term(2)},${term(3)} --amount 2`)
  await does(owner, 'grant fund --grant 1 --amount 3')
  await isRefused(owner, 'grant fund --grant 1 --amount 1wei', 'open milestones need')
  await isRefused(owner, `grant release --grant 1 --milestone 0 --attestation ${schema}`, 'there is no attestation')
  await isRefused(owner, 'grant close --grant 1 --milestone 0', 'can be paid until')
  expect(await does(grantee, 'grant close --grant 1 --milestone 0')).toEqual(['MilestoneClosed', 'GrantReturned'])
  await does(owner, `grant claim-owed --to ${addressOf(owner)}`)
  const states = [{ state: 'closed' }, { state: 'open' }]
  expect(await shows(owner, 'grant show --grant 1')).toMatchObject({
    held: String(3n * 10n ** 18n),
    milestones: states,
  })
})
