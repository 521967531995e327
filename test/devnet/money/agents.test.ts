import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ContentStore } from '../../../common/content-store.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import { merkleRoot } from '../../../protocol/content-hash.ts'
import { addressOf, CommandLine } from '../../fakes/command-line.ts'
import { Eas, ofMilestone } from '../../fakes/eas.ts'
import { LedgerMarket } from '../../fakes/ledger-market.ts'
import { clocks } from '../../fakes/money-chain.ts'

/** An agent's life and a grant's by the command line alone: docs/AGENTS.md, docs/GRANTS.md. Each act stands on those before it. */
const [owner, watcher, grantee] = [1, 2, 3] as const
const window = clocks.window

let people: CommandLine
let { does, events, isRefused, later, run, shows } = {} as CommandLine
let market: LedgerMarket
let worker: Hex
let key: { readonly address: Hex; readonly key: Hex }
let trail: string
let content: string
let batch: bigint
let requestId: Hex
let fee: bigint

beforeAll(async () => {
  people = await CommandLine.open()
  ;({ does, events, isRefused, later, run, shows } = people)
  market = await LedgerMarket.open(people.served.chain)
  worker = people.served.chain.actor('worker').address
  key = people.served.chain.actor('alice')
  trail = people.file('trail.jsonl')
  content = people.file('content')
}, 120_000)
afterAll(() => people.close())

const names = async (...sent: Parameters<CommandLine['events']>): Promise<string[]> =>
  (await events(...sent)).map(({ name }) => name)

describe('an agent', { timeout: 120_000 }, () => {
  test('is registered and staked, and gets feedback and a finding', async () => {
    expect(await names(owner, 'agent register --uri ipfs://agent --name reader')).toContain('Registered')
    await does(watcher, 'agent stake --agent 1 --amount 10')
    await does(owner, `agent authorise --agent 1 --client ${addressOf(watcher)}`)
    await does(watcher, 'agent feedback --agent 1 --value 9.5 --tag1 starred')
    await isRefused(owner, 'agent feedback --agent 1 --value 10', 'owns or runs agent 1')
    const name = `0x${'0a'.repeat(32)}`
    await does(owner, `agent validate --agent 1 --validator ${addressOf(watcher)} --uri ipfs://work --hash ${name}`)
    expect(await names(watcher, `agent validated --request ${name} --response 90`)).toEqual(['ValidationResponse'])
    expect(await shows(owner, 'agent show --agent 1')).toMatchObject({ stake: String(10n ** 19n), uri: 'ipfs://agent' })
  })

  test('has a key that spends within its limits, from its purse', async () => {
    await does(owner, 'agent fund --agent 1 --amount 20')
    await does(
      owner,
      `agent grant-key --agent 1 --key ${key.address} --per-request 1 --per-day 3 --models 1 --payees ${worker}`,
    )
    await isRefused(key, `agent fund-channel --worker ${worker} --amount 1`, 'use agent bind with the key first')
    await does(key, 'agent bind --agent 1')
    await isRefused(key, `agent fund-channel --worker ${worker} --amount 2`, 'may spend at once')
    await does(key, `agent fund-channel --worker ${worker} --amount 1`)
    await does(key, `agent pay --to ${worker} --amount 1 --ref "invoice 1"`)
    await isRefused(key, `agent pay --to ${addressOf(watcher)} --amount 1 --ref x`, 'may not pay')
    await does(key, `agent fund-channel --worker ${worker} --amount 1`)
    await isRefused(key, `agent fund-channel --worker ${worker} --amount 1wei`, 'of a day')
    expect(await shows(key, 'agent show-key')).toMatchObject({ isLive: true, leftToday: '0', agent: '1' })
    await isRefused(key, `infer request-withdrawal --worker ${worker} --amount 1`, 'are bound to')
  })

  test('writes down what it did: every paid leg resolves, a forged one is refused by name', async () => {
    const { built, file } = market.build(1)
    new ContentStore(content, merkleRoot).put(file)
    batch = await market.commit({ built })
    const [first] = built.receipts
    if (first === undefined) throw new Error('nothing was built')
    ;[requestId, fee] = [first.receipt.requestId, first.receipt.fee]
    const record = async (line: string) => {
      const { code, stderr } = await run(owner, `agent record --trail ${trail} ${line}`)
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
    await isRefused(watcher, verify, 'ForgedLeg: action 3')
    expect(await names(key, `agent anchor --trail ${trail}`)).toEqual(['TrailAnchored'])
  })

  test('proves a leg that is challenged, and pays half of its stake for the one it cannot', async () => {
    await isRefused(watcher, `agent challenge --trail ${trail} --leg 2`, 'challenge it from')
    await later(window)
    for (const leg of [2, 3]) await does(watcher, `agent challenge --trail ${trail} --leg ${leg}`)
    const proof = `agent prove --trail ${trail} --leg 2 --batch ${batch} --content.dir ${content}`
    expect(await names(owner, proof)).toEqual(['LegProven'])
    await does(owner, `agent claim-owed --to ${addressOf(owner)}`)
    await later(window + 1n)
    const trailId = `0x${Buffer.from('day').toString('hex').padEnd(64, '0')}`
    const closed = await names(watcher, `agent close-challenge --agent 1 --trail ${trailId} --leg 3`)
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
  expect(await names(grantee, 'grant close --grant 1 --milestone 0')).toEqual(['MilestoneClosed', 'GrantReturned'])
  await does(owner, `grant claim-owed --to ${addressOf(owner)}`)
  const states = [{ state: 'closed' }, { state: 'open' }]
  expect(await shows(owner, 'grant show --grant 1')).toMatchObject({
    held: String(3n * 10n ** 18n),
    milestones: states,
  })
})

test('a milestone is paid on the attestation that its attester makes, and on no other', {
  timeout: 120_000,
}, async () => {
  const { chain } = people.served
  const eas = Eas.served(chain)
  const [attester, stranger] = [chain.actor('watcher'), chain.actor('bob')]
  const schema = await eas.registerSchema('uint256 grant,uint256 milestone', attester)
  const otherSchema = await eas.registerSchema('uint256 other', attester)
  const to = addressOf(grantee)
  await does(owner, `grant create --to ${to} --milestones 2:30d:${schema}:${attester.address} --amount 2`)
  const right = { schema, recipient: to, by: attester, data: ofMilestone(2n, 0n) }
  const release = (uid: Hex) => `grant release --grant 2 --milestone 0 --attestation ${uid}`

  const short = await eas.attest({ ...right, expirationTime: chain.now + 600n })
  await later(600n)
  const revoked = await eas.attest(right)
  await eas.revoke(schema, revoked, attester)
  const bad: readonly (readonly [Hex, string])[] = [
    [await eas.attest({ ...right, schema: otherSchema }), `of schema ${otherSchema}`],
    [await eas.attest({ ...right, by: stranger }), 'the milestone names'],
    [await eas.attest({ ...right, recipient: stranger.address }), 'the grantee is'],
    [await eas.attest({ ...right, data: ofMilestone(1n, 1n) }), 'does not name this grant and milestone'],
    [revoked, 'was revoked at'],
    [short, 'ended at'],
  ]
  for (const [uid, why] of bad) await isRefused(grantee, release(uid), why)

  const uid = await eas.attest(right)
  // Anyone may show it.
  expect(await names(watcher, release(uid))).toEqual(['MilestonePaid'])
  await isRefused(watcher, release(uid), 'is paid or closed')
  const before = await chain.balance(stranger.address)
  await does(grantee, `grant claim-owed --to ${stranger.address}`)
  expect((await chain.balance(stranger.address)) - before).toBe(2n * 10n ** 18n)
  expect(await shows(owner, 'grant show --grant 2')).toMatchObject({
    held: '0',
    paid: String(2n * 10n ** 18n),
    milestones: [{ state: 'paid', attestation: uid }],
  })
})
