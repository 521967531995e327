import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Outcome, Reputations, reputationOne } from '../../attribution/integrity/reputation.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { Eas } from '../fakes/eas.ts'
import { permissive } from '../fakes/licences.ts'
import { type Actor, MoneyChain } from '../fakes/money-chain.ts'

const [keyCredential, keyAttester, keyReputation] = [0x58, 0x59, 0x5a] as const
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
let chain: MoneyChain
let eas: Eas
let [owner, author, attester, stranger]: Actor[] = []
let schema: Hex

beforeEach(async () => {
  chain = await MoneyChain.create()
  eas = Eas.on(chain)
  ;[owner, author, attester, stranger] = ['owner', 'author', 'attester', 'stranger'].map((name) => chain.actor(name))
  schema = await eas.registerSchema('string profession', who(attester))
  for (let i = 0; i < 2; i++) await send(owner, 'create', [0, 0, permissive, zeroHash, 0n, zeroHash])
  for (const id of [1n, 2n]) await send(owner, 'setStatus', [id, 2])
})

const who = (actor: Actor | undefined): Actor => {
  if (actor === undefined) throw new Error('no such actor')
  return actor
}
const send = (from: Actor | undefined, name: string, args: readonly unknown[]) =>
  chain.send(who(from), 'DatanetRegistry', name, args)
const access = (from: Actor | undefined, name: string, args: readonly unknown[]) =>
  chain.send(who(from), 'DatanetAccess', name, args)
const refused = async (name: string, args: readonly unknown[], from: Actor | undefined = owner) =>
  (await chain.fails(who(from), 'DatanetAccess', name, args)).error
const set = (key: number, value: bigint, id = 1n) => access(owner, 'setParameter', [id, key, value])
const item = (n: number, id = 1n) => [id, word(n), zeroHash, 0, 1, zeroHash]
const batch = (n: number) => [1n, word(n), 3, 9, zeroHash]
const submit = (n: number, from = author, id = 1n) => send(from, 'submit', item(n, id))
const refusedSubmit = async (n: number, from = author) =>
  (await chain.fails(who(from), 'DatanetRegistry', 'submit', item(n))).error
const reputation = (of = author, id = 1n) => chain.read('DatanetAccess', 'reputationOf', [id, who(of).address])

/** What the author signed, sent by the stranger. */
async function submitSigned(n: number) {
  const record = { contentHash: word(n), simHash: zeroHash, consent: 0, size: 1, metaHash: zeroHash }
  const deadline = chain.now + 1_000n
  const { address } = who(author)
  const nonce = await chain.stored('DatanetRelay', 'nonceOf', address)
  const digest = (await chain.read('DatanetRelay', 'digestOf', [address, 1n, record, nonce, deadline])) as Hex
  const signature = bytesToHex(who(author).sign(Uint8Array.from(Buffer.from(digest.slice(2), 'hex'))).bytes)
  return ['submitSigned', [address, 1n, record, deadline, signature]] as const
}

describe('a credential', () => {
  const attest = (change: object = {}) =>
    eas.attest({ schema, recipient: who(author).address, by: who(attester), ...change })
  const show = (uid: Hex, of = author) => [1n, who(of).address, uid]
  const ask = async () => {
    await set(keyCredential, BigInt(schema))
    await set(keyAttester, BigInt(who(attester).address))
  }

  test('is asked of who contributes alone, by signature and in a batch, and of nobody else’s Datanet', async () => {
    await ask()
    expect(await refusedSubmit(1)).toBe('NoCredential')
    expect((await chain.fails(who(author), 'DatanetRegistry', 'submitBatch', batch(2))).error).toBe('NoCredential')
    const [name, args] = await submitSigned(3)
    expect((await chain.fails(who(stranger), 'DatanetRelay', name, args)).error).toBe('NoCredential')
    expect(await refusedSubmit(1, owner)).toBe('NoCredential')
    await submit(1, author, 2n)

    await access(stranger, 'showCredential', show(await attest()))
    await submit(1)
    await send(author, 'submitBatch', batch(2))
    await chain.send(who(stranger), 'DatanetRelay', name, args)
    const label = { contentHash: word(9), simHash: zeroHash, consent: 0, size: 1, metaHash: zeroHash }
    const alone = 2n
    await send(author, 'submitFor', [alone, 1, label])
    expect(await chain.read('DatanetAccess', 'mayContribute', [1n, who(author).address])).toBe(true)
    expect(await chain.read('DatanetAccess', 'mayContribute', [1n, who(stranger).address])).toBe(false)
    expect((await chain.fails(who(stranger), 'DatanetRegistry', 'submitFor', [alone, 1, label])).error).toBe(
      'NoCredential',
    )
  })

  test('of another schema, by or about somebody else, revoked, over, or not there is refused by name', async () => {
    expect(await refused('showCredential', show(zeroHash))).toBe('NotGated')
    await ask()
    const otherSchema = await eas.registerSchema('string other', who(attester))
    const short = await attest({ expirationTime: chain.now + 10n })
    chain.advance(10)
    const revoked = await attest()
    await eas.revoke(schema, revoked, who(attester))
    const cases: readonly (readonly [Hex, string])[] = [
      [zeroHash, 'NoCredential'],
      [word(12), 'CredentialOfSchema'],
      [await attest({ schema: otherSchema }), 'CredentialOfSchema'],
      [await attest({ by: who(stranger) }), 'CredentialBy'],
      [await attest({ recipient: who(stranger).address }), 'CredentialAbout'],
      [revoked, 'CredentialRevoked'],
      [short, 'CredentialExpired'],
    ]
    for (const [uid, error] of cases) expect(await refused('showCredential', show(uid), author)).toBe(error)
    expect(await refusedSubmit(1)).toBe('NoCredential')
  })

  test('that is revoked or over later counts no more, and another takes its place only then', async () => {
    await ask()
    const first = await attest()
    await access(author, 'showCredential', show(first))
    const second = await attest({ expirationTime: chain.now + 100n })
    expect(await refused('showCredential', show(second), stranger)).toBe('StandingCredential')
    await submit(1)
    await eas.revoke(schema, first, who(attester))
    expect(await refusedSubmit(2)).toBe('CredentialRevoked')
    await access(stranger, 'showCredential', show(second))
    await submit(2)
    chain.advance(100)
    expect(await refusedSubmit(3)).toBe('CredentialExpired')
    // Who asks for none takes all again.
    await set(keyCredential, 0n)
    await submit(3, stranger)
  })

  test('by anybody counts where no attester is named; the owner alone sets what is asked, and only what can be', async () => {
    await set(keyCredential, BigInt(schema))
    await access(author, 'showCredential', show(await attest({ by: who(stranger) })))
    await submit(1)
    expect(await refused('setParameter', [1n, keyCredential, 0n], author)).toBe('NotAllowed')
    expect(await refused('setParameter', [1n, keyAttester, 1n << 160n])).toBe('BadGate')
    expect(await refused('setParameter', [1n, keyReputation, 65_537n])).toBe('BadGate')
    expect((await chain.fails(who(owner), 'DatanetRegistry', 'setGated', [1n, false])).error).toBe('NotAllowed')
    expect(await refused('countOutcome', [1n, who(author).address, 1n, true, 0n])).toBe('NotDatanetRegistry')
  })
})

describe('a reputation', () => {
  const decide = (id: bigint, good: boolean) => send(owner, 'decide', [id, good, zeroHash])

  test('below what a Datanet asks for keeps out who has it, there alone, until the Datanet asks for less', async () => {
    await set(keyReputation, 25_000n)
    for (let n = 1; n <= 3; n++) await submit(n)
    await submit(4, author, 2n)
    for (const id of [1n, 2n, 3n]) await decide(id, false)
    const [half, eighth] = [reputationOne / 2, (r: number) => r + Math.floor(-r / 8)]
    expect(await reputation()).toBe(eighth(eighth(eighth(half))))
    expect(await refusedSubmit(5)).toBe('ReputationTooLow')
    await submit(5, author, 2n)
    await submit(6, stranger)
    await set(keyReputation, 20_000n)
    await submit(7)
    // What was contributed before goes on counting.
    await decide(7n, true)
    expect(await reputation()).toBeGreaterThan(eighth(eighth(eighth(half))))
    await set(keyReputation, 0n)
    await decide(6n, false)
    expect(await reputation(stranger)).toBe(half)
  })

  test('is what a replay of the same outcomes has, to the unit: alone, in batches, scored and slashed', async () => {
    const outcome = fc.record({
      way: fc.constantFrom('accepted', 'rejected', 'batch', 'badBatch', 'scored', 'slashed'),
      score: fc.integer({ min: 1, max: 10_000 }),
      items: fc.integer({ min: 1, max: 2_000 }),
      by: fc.constantFrom(0, 1),
    })
    await set(keyReputation, 1n)
    await send(owner, 'setParameter', [1n, 2, 2n])
    const review = openLedgerPredeploys.datanetReview
    const as = (from: Hex, name: string, args: readonly unknown[]) => chain.send(from, 'DatanetRegistry', name, args)
    const start = await chain.fork()
    await fc.assert(
      fc.asyncProperty(fc.array(outcome, { minLength: 1, maxLength: 12 }), async (outcomes) => {
        chain = await start.fork()
        const replay = new Reputations()
        for (const [n, { way, score, items, by }] of outcomes.entries()) {
          const from = who([author, stranger][by])
          const isBatch = way === 'batch' || way === 'badBatch'
          // A reputation of 0 contributes no more; here its outcomes are to be looked at.
          chain.advance(86_400)
          if (((await reputation(from)) as number) < 1) continue
          const sent = isBatch
            ? await send(from, 'submitBatch', [1n, word(1_000 + n), items, 9, zeroHash])
            : await submit(1_000 + n, from)
          const id = sent.result as bigint
          const tell = (count: number, result: Outcome['result']) =>
            replay.apply({ datanet: 1n, author: from.address, items: count, result })
          if (isBatch) {
            const good = way === 'batch'
            await send(owner, 'setParameter', [1n, 2, 0n])
            await send(owner, 'decideBatch', [id, good, zeroHash])
            await send(owner, 'setParameter', [1n, 2, 2n])
            tell(items, good ? { kind: 'accepted', score: 0 } : { kind: 'rejected' })
            continue
          }
          const given = way === 'scored' ? score : 0
          await as(review, 'decideBy', [id, way !== 'rejected', given, zeroHash])
          tell(1, way === 'rejected' ? { kind: 'rejected' } : { kind: 'accepted', score: given })
          if (way !== 'slashed') continue
          await as(review, 'slashBond', [id, who(owner).address])
          tell(1, { kind: 'refuted' })
        }
        for (const each of [author, stranger]) {
          expect(await reputation(each)).toBe(replay.of(1n, who(each).address).reputation)
        }
      }),
      { numRuns: Number(process.env['OPENLEDGER_FUZZ'] ?? 8), seed: 7 },
    )
  })
})

test('a contribution to a Datanet that asks for nothing costs no more than 120,000 gas, to one that asks for both 160,000', async () => {
  await submit(1)
  expect((await submit(2)).gas).toBeLessThanOrEqual(120_000n)
  await set(keyCredential, BigInt(schema))
  await set(keyReputation, 1n)
  const uid = await eas.attest({ schema, recipient: who(author).address, by: who(attester) })
  await access(author, 'showCredential', [1n, who(author).address, uid])
  expect((await submit(3)).gas).toBeLessThanOrEqual(160_000n)
})
