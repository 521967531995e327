import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { contributionDigest } from '../../protocol/datanets/item-record.ts'
import { permissive } from '../fakes/licences.ts'
import { chainId, MoneyChain } from '../fakes/money-chain.ts'
import { addingDiff, noRoots } from '../fakes/version-diff.ts'

const { datanetReview, timelock, datanetVotes } = openLedgerPredeploys
const day = 86_400
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, 'a')}`
const keys = { bond: 1, admission: 2, veto: 3, status: 4, meta: 5, dailyBytes: 7, nearDuplicate: 8, live: 11 }

let chain: MoneyChain
beforeEach(async () => {
  chain = await MoneyChain.create()
  await send('owner', 'create', [0, 0, permissive, zeroHash, 0n, zeroHash])
  await send('owner', 'setStatus', [1n, 2])
})

const send = (who: string, name: string, args: readonly unknown[], value = 0n) =>
  chain.send(chain.actor(who), 'DatanetRegistry', name, args, { value })
const fails = async (who: string, name: string, args: readonly unknown[], value = 0n) =>
  (await chain.fails(chain.actor(who), 'DatanetRegistry', name, args, { value })).error
const by = (from: Hex, name: string, args: readonly unknown[]) => chain.send(from, 'DatanetRegistry', name, args)
const set = (key: number, value: bigint) => send('owner', 'setParameter', [1n, key, value])
const submit = (who: string, n: number, size = 1, id = 1n) =>
  send(who, 'submit', [id, word(n), zeroHash, 0, size, zeroHash])
const refusedSubmit = (who: string, n: number, size = 1, id = 1n) =>
  fails(who, 'submit', [id, word(n), zeroHash, 0, size, zeroHash])
const decisionOf = async (id: bigint) =>
  ((await chain.stored('DatanetRegistry', 'contribution', id)) as { decision: number }).decision

describe('limits of a day', () => {
  test('the 21st file of an author is refused, over all Datanets, until the next day (UTC); a batch is one file', async () => {
    await send('other owner', 'create', [0, 0, permissive, zeroHash, 0n, zeroHash])
    await send('other owner', 'setStatus', [2n, 2])
    for (let i = 0; i < 19; i++) await submit('author', i, 1, BigInt(1 + (i % 2)))
    await send('author', 'submitBatch', [1n, word(100), 10_000, 9_000_000, zeroHash])
    expect(await refusedSubmit('author', 20)).toBe('TooManyFiles')
    expect(await fails('author', 'submitBatch', [2n, word(101), 1, 1, zeroHash])).toBe('TooManyFiles')
    await submit('somebody else', 20)
    chain.advance(day)
    await submit('author', 21)
    const { files, size } = (await chain.stored('DatanetRegistry', 'usageOf', chain.actor('author').address)) as {
      files: number
      size: number
    }
    expect([files, Number(size)]).toEqual([1, 1])
  })

  test('10 MB of an author and 10 MB of a Datanet, or what its owner lowered that to', async () => {
    await submit('author', 1, 6_000_000)
    expect(await refusedSubmit('author', 2, 4_000_001)).toBe('AuthorBytesExceeded')
    expect(await refusedSubmit('other', 2, 4_000_001)).toBe('DatanetBytesExceeded')
    await submit('other', 2, 4_000_000)
    chain.advance(day)
    await set(keys.dailyBytes, 1_000n)
    expect(await refusedSubmit('author', 3, 1_001)).toBe('DatanetBytesExceeded')
    await submit('author', 3, 1_000)
  })

  test('only the timelock sets the limits, within bounds', async () => {
    expect(await fails('owner', 'setLimits', [1, 1, 1, 0n])).toBe('NotAllowed')
    await by(timelock, 'setLimits', [100, 200, 1, 7n])
    await submit('author', 1, 100)
    expect(await refusedSubmit('author', 2)).toBe('TooManyFiles')
    expect(await chain.stored('DatanetRegistry', 'quotePublish', 1_025n)).toBe(14n)
    const { error } = await chain.fails(timelock, 'DatanetRegistry', 'setLimits', [1, 1, 1, 10n ** 18n + 1n])
    expect(error).toBe('AboveLimit')
  })
})

describe('signed contributions', () => {
  const record = { contentHash: word(1), simHash: word(2), consent: 0x123, size: 77, metaHash: word(3) }

  async function signed(change: object = {}) {
    const author = chain.actor('author')
    const nonce = (await chain.stored('DatanetRelay', 'nonceOf', author.address)) as bigint
    const contribution = { ...record, author: author.address, datanet: 1n, nonce, deadline: chain.now + 60n, ...change }
    return {
      deadline: contribution.deadline,
      signature: `0x${Buffer.from(author.sign(contributionDigest(chainId, openLedgerPredeploys.datanetRelay, contribution)).bytes).toString('hex')}`,
    }
  }
  const relayArgs = (each: object, deadline: bigint, signature: string) =>
    [chain.actor('author').address, 1n, { ...record, ...each }, deadline, signature] as const

  test('anyone sends one, once; it is its author’s, who pays nothing', async () => {
    const { deadline, signature } = await signed()
    const relayer = chain.actor('relayer')
    await chain.send(relayer, 'DatanetRelay', 'submitSigned', relayArgs({}, deadline, signature))
    const found = (await chain.stored('DatanetRegistry', 'contribution', 1n)) as { author: string; consent: number }
    expect([found.author.toLowerCase(), found.consent]).toEqual([chain.actor('author').address, 0x123])
    await send('owner', 'decide', [1n, false, zeroHash])
    const { error } = await chain.fails(relayer, 'DatanetRelay', 'submitSigned', relayArgs({}, deadline, signature))
    expect(error).toBe('NotSigned')
    expect(await fails('relayer', 'submitVia', [relayer.address, 1n, record])).toBe('NotAllowed')
  })

  test('one whose every field is another, that is late, or was cancelled is refused', async () => {
    const { deadline, signature } = await signed()
    const refused = async (each: object, until = deadline) =>
      (await chain.fails(chain.actor('relayer'), 'DatanetRelay', 'submitSigned', relayArgs(each, until, signature)))
        .error
    const changes = [
      { contentHash: word(9) },
      { simHash: word(9) },
      { consent: 1 },
      { size: 78 },
      { metaHash: word(9) },
    ]
    for (const change of changes) expect(await refused(change)).toBe('NotSigned')
    expect(await refused({}, deadline + 1n)).toBe('NotSigned')
    await chain.send(chain.actor('author'), 'DatanetRelay', 'cancel', [])
    expect(await refused({})).toBe('NotSigned')
    chain.advance(61)
    expect(await refused({})).toBe('SignatureExpired')
  })
})

describe('admission', () => {
  test('automatic: anyone admits what stood through the veto window, the owner vetoes, a dispute holds it', async () => {
    await set(keys.admission, 1n)
    await set(keys.veto, 100n)
    for (let i = 1; i <= 3; i++) await submit('author', i)
    await send('author', 'submitBatch', [1n, word(9), 4, 4, zeroHash])
    expect(await fails('owner', 'decide', [1n, true, zeroHash])).toBe('WrongAdmission')
    expect(await fails('anyone', 'admit', [1n])).toBe('VetoWindowOpen')
    await send('owner', 'decide', [1n, false, word(7)])
    await by(datanetReview, 'hold', [2n])
    await by(datanetReview, 'hold', [5n])
    chain.advance(100)
    expect(await fails('anyone', 'admit', [1n])).toBe('WrongDecision')
    for (const held of [2n, 4n]) expect(await fails('anyone', 'admit', [held])).toBe('Held')
    await send('anyone', 'admit', [3n])
    await by(datanetReview, 'unhold', [5n])
    await send('anyone', 'admit', [4n])
    expect(await Promise.all([1n, 2n, 3n, 7n].map(decisionOf))).toEqual([3, 1, 2, 2])
  })

  test('validators: DatanetReview alone decides', async () => {
    await submit('author', 1)
    await set(keys.admission, 2n)
    expect(await fails('owner', 'decide', [1n, true, zeroHash])).toBe('WrongAdmission')
    expect(await fails('owner', 'decideBy', [1n, true, 9, zeroHash])).toBe('NotAllowed')
    const { events } = await by(datanetReview, 'decideBy', [1n, true, 9, zeroHash])
    expect(events[0]).toMatchObject({ name: 'ContributionDecided', args: { accepted: true, score: 9 } })
  })

  test('a held contribution’s bond stays, though its author withdraws it, and can be taken', async () => {
    await set(keys.bond, 1_001n)
    await send('author', 'submit', [1n, word(1), zeroHash, 0, 1, zeroHash], 1_001n)
    await by(datanetReview, 'hold', [1n])
    await send('author', 'withdrawConsent', [1n])
    chain.advance(8 * day)
    expect(await fails('anyone', 'releaseBond', [1n])).toBe('BondInDispute')
    await by(datanetReview, 'slashBond', [1n, chain.actor('challenger').address])
    expect(await chain.stored('DatanetRegistry', 'refundOf', chain.actor('challenger').address)).toBe(500n)
    expect(await chain.stored('DatanetRegistry', 'burned')).toBe(501n)
    expect(await chain.balance('DatanetRegistry')).toBe(500n)
    expect(await fails('anyone', 'slashBond', [1n, zeroAddress])).toBe('NotAllowed')
  })

  test('an earlier bond stays what it was when the Datanet asks another', async () => {
    await set(keys.bond, 5n)
    await send('author', 'submit', [1n, word(1), zeroHash, 0, 1, zeroHash], 5n)
    await set(keys.bond, 9n)
    expect(await fails('author', 'submit', [1n, word(2), zeroHash, 0, 1, zeroHash], 5n)).toBe('WrongBond')
    expect(await chain.stored('DatanetRegistry', 'bondOf', 1n)).toBe(5n)
    await send('owner', 'decide', [1n, false, zeroHash])
    expect(await chain.stored('DatanetRegistry', 'refundOf', chain.actor('author').address)).toBe(5n)
  })
})

describe('labels', () => {
  test('equal labels of different items are two; a label of a label and an item as label are refused', async () => {
    await submit('author', 1)
    await submit('author', 2)
    const label = { contentHash: word(50), simHash: zeroHash, consent: 0, size: 3, metaHash: zeroHash }
    await send('labeller', 'submitFor', [1n, 1, label])
    await send('labeller', 'submitFor', [2n, 1, label])
    expect(await fails('other', 'submitFor', [1n, 1, label])).toBe('Duplicate')
    expect(await fails('labeller', 'submitFor', [3n, 1, label])).toBe('BadKind')
    expect(await fails('labeller', 'submitFor', [1n, 0, label])).toBe('BadKind')
    expect(await chain.stored('DatanetRegistry', 'contribution', 4n)).toMatchObject({ kind: 1, parent: 2n })
    await chain.stored('DatanetRegistry', 'requireRecord', 4n, label, [])
  })
})

describe('payees', () => {
  test('a redirection counts from its notice on and leaves what was before', async () => {
    await submit('author', 1)
    const [author, escrow] = [chain.actor('author').address, chain.actor('escrow').address]
    const start = chain.now
    await by(datanetReview, 'redirectPayout', [1n, escrow])
    chain.advance(3_600)
    await by(datanetReview, 'redirectPayout', [1n, zeroAddress])
    const at = async (time: bigint) =>
      String(await chain.stored('DatanetRegistry', 'payoutOfAt', 1n, time)).toLowerCase()
    expect(await at(start + 590n)).toBe(author)
    expect(await at(start + 650n)).toBe(escrow)
    expect(await at(start + 3_600n)).toBe(escrow)
    expect(await at(start + 4_300n)).toBe(author)
    expect(await fails('owner', 'redirectPayout', [1n, escrow])).toBe('NotAllowed')
  })
})

describe('parameters', () => {
  test('once governed, votes alone set them, for good', async () => {
    await send('owner', 'govern', [1n])
    for (const [name, args] of [
      ['setParameter', [1n, keys.bond, 1n]],
      ['setMeta', [1n, word(1)]],
      ['setStatus', [1n, 3]],
      ['govern', [1n]],
    ] as const) {
      expect(await fails('owner', name, args)).toBe('Governed')
    }
    await by(datanetVotes, 'setParameter', [1n, keys.nearDuplicate, 8_000n])
    expect(await chain.stored('DatanetRegistry', 'parameter', 1n, keys.nearDuplicate)).toBe(8_000n)
    await by(datanetVotes, 'setParameter', [1n, keys.status, 3n])
    expect(await chain.stored('DatanetRegistry', 'datanets', 1n)).toMatchObject({ status: 3, governed: true })
  })

  test('unknown ones and values out of bounds are refused by name', async () => {
    const refused = (key: number, value: bigint) => fails('owner', 'setParameter', [1n, key, value])
    expect(await refused(0x40, 1n)).toBe('UnknownKey')
    expect(await refused(keys.admission, 3n)).toBe('BadParameter')
    expect(await refused(keys.nearDuplicate, 10_001n)).toBe('BadParameter')
    expect(await refused(keys.bond, 2n ** 96n)).toBe('BadParameter')
    expect(await refused(keys.veto, 31n * 86_400n)).toBe('BadParameter')
    expect(await refused(keys.live, 1n)).toBe('BadTransition')
    expect(await fails('author', 'setParameter', [1n, keys.bond, 1n])).toBe('NotOwner')
  })
})

describe('versions', () => {
  const roots = { ...noRoots, itemsRoot: word(1) }

  test('the fee is what was quoted, goes to the treasury, and the difference must follow the version before', async () => {
    const diff = { ...addingDiff(3), addedBytes: 10_241n }
    const fee = (await chain.stored('DatanetRegistry', 'quotePublish', diff.addedBytes)) as bigint
    expect(fee).toBe(11n * 10n ** 14n)
    expect(await fails('owner', 'publish', [1n, roots, diff], fee - 1n)).toBe('WrongFee')
    const { events } = await send('owner', 'publish', [1n, roots, diff], fee)
    expect(events.find(({ name }) => name === 'VersionDiffed')?.args['fee']).toBe(fee)
    expect(events.find(({ name }) => name === 'PoolFunded')?.args['amount']).toBe(fee)
    const next = { ...roots, itemsRoot: word(2) }
    expect(await fails('owner', 'publish', [1n, next, addingDiff(1)])).toBe('WrongPreviousRoot')
    expect(await fails('owner', 'publish', [1n, next, { ...addingDiff(1, word(1), 3), itemCount: 5 }])).toBe(
      'WrongCounts',
    )
    expect(await fails('owner', 'publish', [1n, next, { ...addingDiff(1, word(1), 3), addedRoot: zeroHash }])).toBe(
      'EmptyRoot',
    )
    await send('owner', 'publish', [1n, next, addingDiff(1, word(1), 3)])
    await send('owner', 'setStatus', [1n, 4])
    expect(await fails('owner', 'publish', [1n, roots, addingDiff(1, word(2), 4)])).toBe('NotPublishing')
  })

  test('of a live Datanet come at most one an hour, and a gap is told', async () => {
    await send('owner', 'create', [0, 0, permissive, zeroHash, 0n, zeroHash])
    await send('owner', 'setParameter', [2n, keys.live, 1n])
    chain.advance(3_600 - Number(chain.now % 3_600n))
    await send('owner', 'publish', [2n, roots, addingDiff(1)])
    expect(await chain.stored('DatanetRegistry', 'datanets', 2n)).toMatchObject({ status: 5, live: true })
    expect(await fails('owner', 'publish', [2n, roots, addingDiff(1, word(1), 1)])).toBe('LiveTooSoon')
    chain.advance(3_600)
    const second = await send('owner', 'publish', [2n, { ...roots, itemsRoot: word(2) }, addingDiff(1, word(1), 1)])
    expect(second.events.map(({ name }) => name)).not.toContain('LiveGap')
    chain.advance(3 * 3_600)
    const third = await send('owner', 'publish', [2n, { ...roots, itemsRoot: word(3) }, addingDiff(1, word(2), 2)])
    expect(third.events.find(({ name }) => name === 'LiveGap')?.args['hoursMissed']).toBe(2n)
  })
})
