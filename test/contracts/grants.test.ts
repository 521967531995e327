import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { Eas, ofMilestone } from '../fakes/eas.ts'
import { type Actor, clocks, MoneyChain, open } from '../fakes/money-chain.ts'

/** Sequences of calls. */
const sequences = Number(process.env['OPENLEDGER_FUZZ'] ?? 30)

const day = 86_400n
let chain: MoneyChain
let funder: Actor
let grantee: Actor
let attester: Actor
let eas: Eas
let schema: Hex
let otherSchema: Hex

beforeEach(async () => {
  chain = await MoneyChain.create()
  ;[funder, grantee, attester] = ['funder', 'grantee', 'attester'].map((name) => chain.actor(name)) as [
    Actor,
    Actor,
    Actor,
  ]
  eas = Eas.on(chain)
  schema = await eas.registerSchema('uint256 grantId,uint256 milestone', attester)
  otherSchema = await eas.registerSchema('uint256 other', attester)
})

type Change = { schema?: Hex; recipient?: Hex; expirationTime?: bigint; data?: Hex; by?: Actor }
/** An attestation to a milestone, or to something else. */
const attest = (grantId: bigint, milestone: bigint, change: Change = {}) => {
  const said = { schema, recipient: grantee.address, by: attester, data: ofMilestone(grantId, milestone) }
  return eas.attest({ ...said, ...change })
}

const terms = (amount: bigint, deadline = chain.now + day, more: object = {}) => ({
  ...{ amount, deadline, schema, attester: attester.address },
  ...more,
})
const send = (name: string, args: readonly unknown[], from = funder, value = 0n) =>
  chain.send(from, 'Grants', name, args, { value })
const refused = async (name: string, args: readonly unknown[], from = funder, value = 0n) =>
  (await chain.fails(from, 'Grants', name, args, { value })).error
const create = (list: readonly object[], value: bigint) =>
  [grantee.address, list, 'ipfs://grant', zeroHash, value] as const
const made = async (list: readonly object[], value: bigint) => {
  const [to, milestones, uri, uriHash] = create(list, value)
  return (await send('create', [to, milestones, uri, uriHash], funder, value)).result as bigint
}
const grantOf = async (id: bigint) =>
  (await chain.read('Grants', 'grantOf', [id])) as Record<'open' | 'held' | 'paid' | 'returned', bigint>

describe('a milestone', () => {
  test('is paid on its attestation, once, and fetched by the grantee', async () => {
    const id = await made([terms(2n * open), terms(open)], 3n * open)
    const uid = await attest(id, 0n)
    const { events } = await send('release', [id, 0n, uid], attester)
    expect(events).toMatchObject([
      { name: 'MilestonePaid', args: { milestone: 0n, amount: 2n * open, attestation: uid } },
    ])
    expect(await refused('release', [id, 0n, uid])).toBe('MilestoneOver')
    expect(await refused('release', [id, 1n, uid])).toBe('WrongMilestone')
    expect(await refused('release', [id, 2n, uid])).toBe('UnknownMilestone')
    const before = chain.balance(grantee)
    await send('claimOwed', [grantee.address], grantee)
    expect(chain.balance(grantee) - before).toBe(2n * open)
    expect(await refused('claimOwed', [grantee.address], grantee)).toBe('NothingOwed')
    expect(await grantOf(id)).toMatchObject({ open, held: open, paid: 2n * open, returned: 0n })
  })

  test.each<[string, Change, string]>([
    ['of another schema', { schema: 'other' as Hex }, 'WrongSchema'],
    ['by another attester', { by: 'funder' as never }, 'WrongAttester'],
    ['about somebody else', { recipient: `0x${'77'.repeat(20)}` }, 'WrongRecipient'],
    ['of another grant', { data: ofMilestone(9n, 0n) }, 'WrongMilestone'],
    ['without a milestone', { data: '0x' }, 'WrongMilestone'],
  ])('is not paid on an attestation %s', async (_, said, error) => {
    const id = await made([terms(open)], open)
    const uid = await attest(id, 0n, {
      ...said,
      ...(said.schema === undefined ? {} : { schema: otherSchema }),
      ...(said.by === undefined ? {} : { by: funder }),
    })
    expect(await refused('release', [id, 0n, uid])).toBe(error)
  })

  test('is not paid on an attestation that is revoked, expired, late, or not there', async () => {
    const id = await made([terms(open), terms(open, chain.now + 50n)], 2n * open)
    expect(await refused('release', [id, 0n, `0x${'12'.repeat(32)}`])).toBe('NoAttestation')
    expect(await refused('release', [id, 0n, zeroHash])).toBe('NoAttestation')
    const revoked = await attest(id, 0n)
    await eas.revoke(schema, revoked, attester)
    expect(await refused('release', [id, 0n, revoked])).toBe('Revoked')
    const short = await attest(id, 0n, { expirationTime: chain.now + 20n })
    const timely = await attest(id, 1n)
    chain.advance(60)
    expect(await refused('release', [id, 0n, short])).toBe('Expired')
    expect(await refused('release', [id, 1n, await attest(id, 1n)])).toBe('AttestedLate')
    // What was attested in time is paid within the grace.
    await send('release', [id, 1n, timely])
  })

  test('goes back after its deadline and grace, or when the grantee gives it up', async () => {
    const id = await made([terms(open), terms(2n * open)], 3n * open)
    expect(await refused('close', [id, 0n])).toBe('NotYet')
    const given = await send('close', [id, 0n], grantee)
    expect(given.events.map(({ name }) => name)).toEqual(['MilestoneClosed', 'GrantReturned'])
    chain.advance(day + clocks.window)
    expect(await refused('close', [id, 1n])).toBe('NotYet')
    chain.advance(1)
    await send('close', [id, 1n], attester)
    expect(await refused('close', [id, 1n])).toBe('MilestoneOver')
    const before = chain.balance(funder)
    await send('claimOwed', [funder.address])
    expect(chain.balance(funder) - before).toBe(3n * open)
    expect(chain.balance('Grants')).toBe(0n)
  })
})

describe('a grant', () => {
  test('is refused where its terms are none', async () => {
    const bad = async (list: readonly object[], to: Hex = grantee.address) =>
      await refused('create', [to, list, '', zeroHash])
    expect(await bad([])).toBe('BadMilestoneCount')
    expect(await bad(Array.from({ length: 33 }, () => terms(1n)))).toBe('BadMilestoneCount')
    expect(await bad([terms(0n)])).toBe('BadMilestone')
    expect(await bad([terms(1n, chain.now)])).toBe('BadMilestone')
    expect(await bad([terms(1n, chain.now + 2_000n * day)])).toBe('BadMilestone')
    expect(await bad([terms(1n, undefined, { schema: zeroHash })])).toBe('BadMilestone')
    expect(await bad([terms(1n, undefined, { attester: zeroAddress })])).toBe('BadMilestone')
    expect(await bad([terms(1n)], zeroAddress)).toBe('ZeroAddress')
    expect(await refused('fund', [1n], funder, 1n)).toBe('UnknownGrant')
  })

  test('can be funded bit by bit, never above what is open, and pays from what is there', async () => {
    const id = await made([terms(2n * open), terms(2n * open)], open)
    const uid = await attest(id, 0n)
    expect(await refused('release', [id, 0n, uid])).toBe('Unfunded')
    expect(await refused('fund', [id], grantee, open)).toBe('NotFunder')
    expect(await refused('fund', [id])).toBe('ZeroAmount')
    expect(await refused('fund', [id], funder, 3n * open + 1n)).toBe('AboveOpen')
    await send('fund', [id], funder, 2n * open)
    await send('release', [id, 0n, uid])
    await send('close', [id, 1n], grantee)
    expect(await grantOf(id)).toMatchObject({ open: 0n, held: 0n, paid: 2n * open, returned: open })
  })
})

test(
  'whatever is called in whatever order, a grant’s money is held, paid or returned, and Grants holds what it owes',
  async () => {
    const call = fc.record({
      name: fc.constantFrom('create', 'fund', 'release', 'close', 'giveUp', 'claim', 'wait'),
      grant: fc.bigInt(1n, 3n),
      milestone: fc.bigInt(0n, 2n),
      amount: fc.bigInt(1n, 3n * open),
    })
    const start = await chain.fork()
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 16 }), async (calls) => {
        chain = await start.fork()
        const funded = new Map<bigint, bigint>()
        let owed = 0n
        for (const { name, grant, milestone, amount } of [
          { name: 'create', grant: 1n, milestone: 0n, amount: open },
          ...calls,
        ]) {
          if (name === 'wait') chain.advance(day / 2n)
          try {
            if (name === 'create') {
              const id = await made([terms(amount), terms(open), terms(2n * open, chain.now + 2n * day)], amount)
              funded.set(id, amount)
            } else if (name === 'fund') {
              await send('fund', [grant], funder, amount)
              funded.set(grant, (funded.get(grant) ?? 0n) + amount)
            } else if (name === 'release') {
              const { events } = await send('release', [grant, milestone, await attest(grant, milestone)])
              owed += events[0]?.args['amount'] as bigint
            } else if (name === 'close' || name === 'giveUp') {
              const { events } = await send('close', [grant, milestone], name === 'close' ? funder : grantee)
              owed += (events[1]?.args['amount'] as bigint | undefined) ?? 0n
            } else if (name === 'claim') {
              for (const each of [funder, grantee]) {
                const amountOf = (await chain.read('Grants', 'owed', [each.address])) as bigint
                if (amountOf === 0n) continue
                await send('claimOwed', [each.address], each)
                owed -= amountOf
              }
            }
          } catch (error) {
            if (!(error instanceof Error) || error.name !== 'Reverted') throw error
          }
          let held = 0n
          for (const [id, sum] of funded) {
            const state = await grantOf(id)
            expect(state.held + state.paid + state.returned).toBe(sum)
            expect(state.held).toBeLessThanOrEqual(state.open)
            held += state.held
          }
          expect(chain.balance('Grants')).toBe(held + owed)
        }
      }),
      { numRuns: sequences },
    )
  },
  30_000 + 1_000 * sequences,
)
