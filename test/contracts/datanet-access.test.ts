import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { newContentKey, unwrapKey, wrapKey } from '../../protocol/datanets/sealing.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { publicKeyOf } from '../../protocol/secp256k1.ts'
import { licence } from '../fakes/licences.ts'
import { addressOf, MoneyChain, open } from '../fakes/money-chain.ts'
import { Random } from '../fakes/random.ts'

const [train, evaluate, read] = [0, 1, 2]
const day = 86_400
const all = 2 ** 32 - 1
const readerKey = keccak256(new TextEncoder().encode('reader'))
const publicKey = bytesToHex(publicKeyOf(readerKey))
const access = addressOf('DatanetAccess')
const steps = Number(process.env['OPENLEDGER_FUZZ'] ?? 300)

let chain: MoneyChain
let owner: Hex
let reader: Hex

beforeEach(async () => {
  chain = await MoneyChain.create()
  owner = chain.actor('owner').address
  reader = chain.actor('reader').address
  await chain.send(owner, 'DatanetRegistry', 'create', [0, 1, licence('MIT'), zeroHash, 0n, zeroHash])
  await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, licence('MIT'), zeroHash, 0n, zeroHash])
  await chain.send(openLedgerPredeploys.datanetRegistry, 'DatanetUnits', 'issue', [1n, 1, owner, 10n, zeroHash])
  chain.advance(2)
})

const send = (from: Hex, name: string, args: readonly unknown[], value = 0n) =>
  chain.send(from, 'DatanetAccess', name, args, { value })
const refused = async (from: Hex, name: string, args: readonly unknown[], value = 0n) =>
  (await chain.fails(from, 'DatanetAccess', name, args, { value })).error
const ask = (purpose = train, value = 0n, from = 1, to = all) =>
  send(reader, 'request', [1n, purpose, from, to, day, publicKey, zeroHash], value)
const allowed = (purpose = train, version = 1, who = reader) =>
  chain.read('DatanetAccess', 'allowed', [1n, version, who, purpose])
const reason = async (purpose = train, version = 1) => {
  const error = await chain.read('DatanetAccess', 'requireAllowed', [1n, version, reader, purpose]).catch((e) => e)
  return (error as { error?: string } | undefined)?.error
}
const offer = (price: bigint, seconds: number, stands = true) =>
  price | (BigInt(seconds) << 128n) | ((stands ? 1n : 0n) << 160n)

describe('requests', () => {
  test('no grant: denied; granted: allowed, for its purpose and versions; over: denied, each by name', async () => {
    expect(await reason()).toBe('NoGrant')
    await ask(train, 0n, 2, 3)
    expect(await allowed(train, 2)).toBe(false)
    expect(await refused(reader, 'grant', [1n])).toBe('NotDatanetOwner')
    const { events } = await send(owner, 'grant', [1n])
    expect(events).toMatchObject([{ name: 'AccessGranted', args: { who: expect.anything(), price: 0n } }])
    expect([await allowed(train, 2), await allowed(train, 3), await allowed(train, 1)]).toEqual([true, true, false])
    expect(await reason(train, 4)).toBe('OutOfScope')
    expect(await reason(evaluate, 2)).toBe('NoGrant')
    expect(await refused(owner, 'grant', [1n])).toBe('WrongRequestState')
    chain.advance(day)
    expect(await reason(train, 2)).toBe('GrantExpired')
    // A new one beside the old: what is over gives way.
    await ask(train)
    await send(owner, 'grant', [2n])
    expect(await allowed(train, 2)).toBe(true)
  })

  test('what was offered goes to the unit holders when it is granted, and back when it is denied or withdrawn', async () => {
    await ask(train, 10n * open)
    await ask(read, 4n * open)
    await ask(evaluate, open)
    expect(chain.balance(access)).toBe(15n * open)
    await send(owner, 'grant', [1n])
    expect(await chain.read('RoyaltyVault', 'claimable', [1, 1n, owner])).toBe(10n * open)
    await send(owner, 'deny', [2n, zeroHash])
    expect(await refused(owner, 'withdrawRequest', [3n])).toBe('NotRequester')
    await send(reader, 'withdrawRequest', [3n])
    expect(await refused(reader, 'claimRefund', [`0x${'0'.repeat(40)}`])).toBe('ZeroAddress')
    const before = chain.balance(reader)
    await send(reader, 'claimRefund', [reader])
    expect(chain.balance(reader)).toBe(before + 5n * open)
    expect(await refused(reader, 'claimRefund', [reader])).toBe('NothingOwed')
    expect(chain.balance(access)).toBe(0n)
  })

  test('a request that nobody decides lapses, and its money goes back', async () => {
    await ask(train, open)
    chain.advance(14 * day)
    expect(await refused(owner, 'grant', [1n])).toBe('RequestLapsed')
    await send(reader, 'withdrawRequest', [1n])
    expect(await chain.read('DatanetAccess', 'owedTo', [reader])).toBe(open)
  })

  test('a free grant is revoked by its owner; one that was paid for stands', async () => {
    await ask(train)
    await ask(read, open)
    await send(owner, 'grant', [1n])
    await send(owner, 'grant', [2n])
    expect(await refused(reader, 'revoke', [1n, zeroHash])).toBe('NotDatanetOwner')
    await send(owner, 'revoke', [1n, zeroHash])
    expect(await reason(train)).toBe('GrantRevoked')
    expect(await refused(owner, 'revoke', [2n, zeroHash])).toBe('PaidFor')
    expect(await allowed(read)).toBe(true)
  })

  test('what is no request is refused: of a public Datanet, without versions, a time or a key', async () => {
    const request = (...args: readonly unknown[]) => refused(reader, 'request', [...args, zeroHash])
    expect(await request(2n, train, 1, all, day, publicKey)).toBe('NotPermissioned')
    expect(await request(9n, train, 1, all, day, publicKey)).toBe('UnknownDatanet')
    expect(await request(1n, train, 0, all, day, publicKey)).toBe('BadScope')
    expect(await request(1n, train, 3, 2, day, publicKey)).toBe('BadScope')
    expect(await request(1n, train, 1, all, 59, publicKey)).toBe('BadDuration')
    expect(await request(1n, train, 1, all, day, '0x02')).toBe('BadPublicKey')
    expect(await chain.read('DatanetAccess', 'allowed', [2n, 1, reader, train])).toBe(true)
    expect(await allowed(train, 1, owner)).toBe(true)
  })
})

describe('offers', () => {
  test('whoever pays the price has access at once, and the price is the unit holders’', async () => {
    const buy = [1n, read, 1, all, publicKey]
    expect(await refused(reader, 'buy', buy, open)).toBe('NoOffer')
    expect(await refused(reader, 'setParameter', [1n, 0x52, offer(open, day)])).toBe('NotAllowed')
    await send(owner, 'setParameter', [1n, 0x52, offer(open, day)])
    expect(await refused(reader, 'buy', buy, open - 1n)).toBe('WrongPrice')
    await send(reader, 'buy', buy, open)
    expect([await allowed(read), await allowed(train)]).toEqual([true, false])
    expect(await chain.read('RoyaltyVault', 'claimable', [1, 1n, owner])).toBe(open)
    chain.advance(day)
    expect(await reason(read)).toBe('GrantExpired')
    await send(owner, 'setParameter', [1n, 0x52, offer(open, day, false)])
    expect(await refused(reader, 'buy', buy, open)).toBe('NoOffer')
  })

  test('once the Datanet is governed its offers are set by votes alone', async () => {
    await chain.send(owner, 'DatanetRegistry', 'govern', [1n])
    expect(await refused(owner, 'setParameter', [1n, 0x50, offer(open, day)])).toBe('NotAllowed')
    await chain.send(owner, 'DatanetVotes', 'propose', [1n, 0x50, offer(open, day), zeroHash])
    await chain.send(owner, 'DatanetVotes', 'castVote', [1n, 1])
    chain.advance(3 * day)
    await chain.send(reader, 'DatanetVotes', 'execute', [1n])
    await send(reader, 'buy', [1n, train, 1, all, publicKey], open)
    expect(await allowed(train)).toBe(true)
  })

  test('what is licensed for non-commercial use has no price, but can be given', async () => {
    await chain.send(owner, 'DatanetRegistry', 'create', [0, 1, licence('CC-BY-NC-4.0'), zeroHash, 0n, zeroHash])
    expect(await refused(owner, 'setParameter', [3n, 0x50, offer(1n, day)])).toBe('LicenceClash')
    const asked = [3n, train, 1, all, day, publicKey, zeroHash]
    expect(await refused(reader, 'request', asked, 1n)).toBe('LicenceClash')
    await send(reader, 'request', asked)
    await send(owner, 'setParameter', [3n, 0x50, offer(0n, day)])
    await send(reader, 'buy', [3n, train, 1, all, publicKey])
  })

  test('grants that stand are bounded, and those that are over make room', async () => {
    await send(owner, 'setParameter', [1n, 0x52, offer(0n, 60)])
    const buy = [1n, read, 1, all, publicKey]
    for (let i = 0; i < 16; i++) await send(reader, 'buy', buy)
    expect(await refused(reader, 'buy', buy)).toBe('TooManyGrants')
    chain.advance(60)
    await send(reader, 'buy', buy)
    expect(await allowed(read)).toBe(true)
  })
})

describe('what a grant gives', () => {
  test('the key of a version, which the grantee alone reads, of versions that it covers, while it stands', async () => {
    await ask(read, 0n, 1, 2)
    await send(owner, 'grant', [1n])
    const key = newContentKey()
    const deliver = (version: number, wrapped = bytesToHex(wrapKey(key, publicKeyOf(readerKey)))) =>
      [1n, version, wrapped] as const
    expect(await refused(reader, 'deliverKey', deliver(1))).toBe('NotDatanetOwner')
    expect(await refused(owner, 'deliverKey', deliver(3))).toBe('OutOfScope')
    expect(await refused(owner, 'deliverKey', deliver(1, '0x00'))).toBe('WrongKeySize')
    const { events } = await send(owner, 'deliverKey', deliver(1))
    const wrapped = events[0]?.args['wrapped'] as Hex
    expect(unwrapKey(Uint8Array.from(Buffer.from(wrapped.slice(2), 'hex')), readerKey)).toEqual(key)
    chain.advance(day)
    expect(await refused(owner, 'deliverKey', deliver(2))).toBe('GrantExpired')
  })

  test('training on a permissioned Datanet takes a grant of that version, and evaluating is no training', async () => {
    const version = {
      weightsManifest: `0x${'11'.repeat(32)}`,
      configHash: zeroHash,
      trainingRoot: zeroHash,
      indexIds: [],
    }
    const params = { kind: 0, verifyClasses: 1, licenceId: licence('MIT'), version }
    const trainedOn = (version: number) => [params, [], [{ id: 1n, version, weightBps: 100 }]]
    const register = async (version: number) =>
      (await chain.fails(reader, 'ModelRegistry', 'register', trainedOn(version))).error
    expect(await register(1)).toBe('NoGrant')
    await ask(evaluate)
    await send(owner, 'grant', [1n])
    expect(await register(1)).toBe('NoGrant')
    await ask(train, 0n, 1, 1)
    await send(owner, 'grant', [2n])
    expect(await register(2)).toBe('OutOfScope')
    await chain.send(reader, 'ModelRegistry', 'register', trainedOn(1))
    chain.advance(day)
    expect(await register(1)).toBe('GrantExpired')
    await chain.send(owner, 'ModelRegistry', 'register', trainedOn(1))
  })
})

test(`over ${steps} random requests, decisions and purchases the contract holds what it owes`, async () => {
  const random = new Random(17)
  const readers = ['a', 'b', 'c'].map((name) => chain.actor(name).address)
  let [requests, funded] = [0, 0n]
  for (let i = 0; i < steps; i++) {
    const who = random.pick([...readers, owner])
    const price = BigInt(random.int(1_000))
    const id = BigInt(1 + random.int(requests + 1))
    const call = random.pick<readonly [string, readonly unknown[], bigint]>([
      ['request', [1n, random.int(5), random.int(3), 1 + random.int(3), day, publicKey, zeroHash], price],
      ['request', [1n, random.int(4), 1, all, day, publicKey, zeroHash], price],
      ['setParameter', [1n, 0x50 + random.int(5), offer(price, 60 + random.int(day), random.chance(0.7))], 0n],
      ['buy', [1n, random.int(4), 1, all, publicKey], price],
      ['grant', [id], 0n],
      ['deny', [id, zeroHash], 0n],
      ['withdrawRequest', [id], 0n],
      ['revoke', [id, zeroHash], 0n],
      ['claimRefund', [who], 0n],
    ])
    const from = ['grant', 'deny', 'revoke', 'setParameter'].includes(call[0]) && random.chance(0.8) ? owner : who
    const sent = await send(from, call[0], call[1], call[2]).catch(() => undefined)
    requests = Number(await chain.read('DatanetAccess', 'requestCount'))
    for (const { name, args } of sent?.events ?? []) if (name === 'PoolFunded') funded += args['amount'] as bigint
    if (random.chance(0.2)) chain.advance(random.int(2 * day))
    const [held, owed] = [
      await chain.read('DatanetAccess', 'pricesHeld'),
      await chain.read('DatanetAccess', 'totalOwed'),
    ]
    expect(chain.balance(access)).toBe((held as bigint) + (owed as bigint))
    expect(chain.balance('RoyaltyVault')).toBe(funded)
  }
  expect(funded).toBeGreaterThan(0n)
}, 120_000)
