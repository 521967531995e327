import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { type EpochState, epochRecordHash, epochStateOf, noEpoch } from '../../protocol/epoch-record.ts'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import { sumTreeRoot } from '../../protocol/sum-tree.ts'
import {
  attributor,
  batchHeader,
  disputeGame,
  LedgerWorld,
  market,
  type Proposed,
  type Wrong,
  window,
} from '../fakes/ledger-world.ts'
import { claimOf } from '../fakes/money-batch.ts'
import { open, Reverted } from '../fakes/money-chain.ts'

const ledger = openLedgerPredeploys.attributionLedger
const vault = openLedgerPredeploys.royaltyVault
const payee = (n: number): Hex => `0x${n.toString(16).padStart(40, 'c')}`
const [ann, ben, cat] = [payee(1), payee(2), payee(3)]
const stranger: Hex = `0x${'5712'.repeat(10)}`

let world: LedgerWorld
beforeEach(async () => {
  world = await LedgerWorld.create()
  world.chain.evm.state.account(stranger).balance = 1_000n * open
})

const read = (name: string, ...args: unknown[]) => world.chain.read('AttributionLedger', name, args)

/** The custom error that a call of the ledger ends with. */
const refusal = async (from: Hex, name: string, args: unknown[]) =>
  (await world.chain.fails(from, 'AttributionLedger', name, args)).error

/** Matures a batch for the credits and proposes its epoch. */
async function next(credits: [Hex, bigint][], parent?: Proposed, extra = 0n): Promise<Proposed> {
  const sum = credits.reduce((total, [, amount]) => total + amount, 0n)
  await world.mature(credits.length, sum + extra)
  return (await world.propose(credits, parent)).proposed
}

describe('proposals', () => {
  test('an honest one stands, costs its bond, and shows its whole record', async () => {
    await world.mature(2, 11n)
    const { sent, proposed } = await world.propose(
      [
        [ann, 6n],
        [ben, 4n],
      ],
      undefined,
    )
    const { record } = proposed
    expect(record.bond).toBe(open)
    expect(world.chain.balance(ledger)).toBe(open)
    expect(await read('epochHash', 1n)).toBe(bytesToHex(epochRecordHash(record)))
    expect(await read('lastEpoch')).toBe(1n)
    expect(sent.events).toMatchObject([
      {
        name: 'EpochProposed',
        args: { epoch: 1n, header: record.header, bond: record.bond, totals: record.totals },
      },
    ])
  })

  test('what does not follow from the parent and the mature batches is refused by its cause', async () => {
    const first = await next([
      [ann, 6n],
      [ben, 4n],
    ])
    await world.mature(1, 5n)
    await world.mature(1, 5n)
    const state = epochStateOf(first.record)
    const word: Hex = `0x${'77'.repeat(32)}`
    const cases: readonly [string, Wrong][] = [
      ['WrongEpoch', { header: { epoch: 3n } }],
      ['WrongEpoch', { header: { epoch: 1n } }],
      ['WrongParent', { parent: noEpoch }],
      ['WrongParent', { parent: { ...state, proposal: word } }],
      ['WrongParent', { parent: { ...state, totals: { ...state.totals, entries: 0n } } }],
      ['WrongParentRoot', { header: { parentRoot: word } }],
      ['WrongFirstBatch', { header: { firstBatch: 1n } }],
      ['WrongFirstBatch', { header: { firstBatch: 3n } }],
      ['WrongLastBatch', { header: { lastBatch: 1n } }],
      ['NoTotals', { header: { lastBatch: 4n } }],
      ['WrongAlgo', { header: { algoHash: word } }],
      ['WrongCreditsCount', { header: { lastBatch: 2n } }],
      ['WrongCreditsCount', { header: { creditsCount: 1 } }],
      ['WrongCreditsCount', { header: { creditsCount: 3 } }],
      ['WrongPayoutSum', { header: { payoutSum: 20n } }],
      ['WrongPayoutSum', { header: { creditsSum: 8n } }],
      ['CreditsAbovePool', { header: { creditsSum: 11n, payoutSum: 21n } }],
      ['RootNotOpened', { creditsTop: word }],
      ['RootNotOpened', { payoutTop: word }],
      ['RootNotOpened', { header: { creditsRoot: word } }],
      ['RootNotOpened', { header: { payoutRoot: word } }],
      ['RootNotOpened', { header: { payoutCount: 1 } }],
      ['RootNotOpened', { header: { payoutCount: 0, payoutRoot: `0x${'00'.repeat(32)}` } }],
      ['BondTooSmall', { bond: open - 1n }],
    ]
    const credits: [Hex, bigint][] = [
      [ann, 4n],
      [cat, 5n],
    ]
    for (const [cause, wrong] of cases) {
      const failure = await world.propose(credits, first, wrong).catch((error: unknown) => error)
      expect(failure, JSON.stringify(Object.keys(wrong.header ?? wrong))).toBeInstanceOf(Reverted)
      expect((failure as Reverted).error).toBe(cause)
    }
    await world.propose(credits, first)
    await expect(world.propose(credits, first)).rejects.toThrow('WrongEpoch')
  })

  test('what matures meanwhile makes none stale: the next takes it', async () => {
    await world.mature(1, 5n)
    const header = { lastBatch: 1n }
    await world.mature(1, 7n)
    const first = (await world.propose([[ann, 5n]], undefined, { header })).proposed
    const second = (await world.propose([[ben, 7n]], first)).proposed
    expect(second.record.header).toMatchObject({ firstBatch: 2n, lastBatch: 2n })
  })

  test('without a live entry there is no epoch', async () => {
    await expect(world.propose([[ann, 0n]], undefined)).rejects.toThrow('NoTotals')
    await world.mature(0, 0n)
    await expect(world.propose([[ann, 0n]], undefined)).rejects.toThrow('NothingToCredit')
  })

  test('the first stands on nothing: a made-up parent is refused', async () => {
    await world.mature(1, 5n)
    const parent: EpochState = { ...noEpoch, payoutSum: 7n }
    const header = { payoutSum: 12n }
    await expect(world.propose([[ann, 5n]], undefined, { parent, header })).rejects.toThrow('WrongParent')
  })

  test('the bond follows base fee and credits', async () => {
    expect(await read('requiredBond', 500n * open)).toBe(6n * open)
    world.chain.evm.baseFee = 10n ** 12n
    expect(await read('requiredBond', 100n)).toBe(10n * open + 1n)
  })

  test('others wait for the attributor, 1/48 of a window from the maturity of a batch of the epoch', async () => {
    const committedAt = world.chain.now
    const batches = [1n, 2n].map((batchId) => batchHeader({ batchId, committedAt }))
    for (const batch of batches) await world.commit(batch)
    await world.mature(1, 5n)
    const propose = (mature?: ReturnType<typeof batchHeader>) =>
      world.propose([[ann, 5n]], undefined, { by: stranger, ...(mature === undefined ? {} : { mature }) })
    world.chain.evm.timestamp = committedAt + window + window / 48n - 1n
    await expect(propose()).rejects.toThrow('AttributorFirst')
    await expect(propose(batches[0])).rejects.toThrow('TooEarly')
    world.chain.evm.timestamp += 1n
    await expect(propose(batches[1])).rejects.toThrow('BatchNotOfEpoch')
    await expect(propose(batchHeader({ committedAt: committedAt - 50n }))).rejects.toThrow('UnknownBatch')
    const { sent, proposed } = await propose(batches[0])
    expect(sent.events[0]).toMatchObject({ name: 'EpochProposed' })
    world.chain.advance(window)
    const before = world.chain.balance(stranger)
    await world.finalize(proposed, undefined)
    expect(world.chain.balance(stranger)).toBe(before + proposed.record.bond)
  })

  test('costs at most 80,000 gas for 100 and for 100,000 payees', async () => {
    const gas: bigint[] = []
    const top: Hex = `0x${'b7'.repeat(32)}`
    for (const count of [100, 100_000]) {
      // Trees that are only their root: of so many leaves, with sums of a busy hour.
      const header = (n: bigint): Partial<EpochHeader> => {
        const [creditsSum, payoutSum] = [6_789n * open + 1n, n * (6_789n * open + 1n)]
        const root = (sum: bigint) => bytesToHex(sumTreeRoot(count, concatBytes(hexToBytes(top), uintBytes(sum, 16))))
        const [creditsRoot, payoutRoot] = [root(creditsSum), root(payoutSum)]
        return { creditsSum, creditsRoot, creditsCount: count, payoutSum, payoutRoot, payoutCount: count }
      }
      const at = new LedgerWorld(await world.chain.fork())
      await at.mature(count, 7_000n * open, 3n * open, 900n * open)
      const tops = { creditsTop: top, payoutTop: top }
      const first = await at.propose([[ann, 1n]], undefined, { header: header(1n), ...tops })
      await at.mature(count, 7_000n * open, 3n * open, 900n * open)
      const second = await at.propose([[ann, 1n]], first.proposed, { header: header(2n), ...tops })
      gas.push(first.sent.gas, second.sent.gas)
    }
    for (const each of gas) expect(each).toBeLessThanOrEqual(80_000n)
    for (const each of gas) expect(each).toBeGreaterThan(65_000n)
  })

  test('255 stand unfinal, and the next waits until the first is final', async () => {
    const epochs: Proposed[] = []
    for (let i = 0; i < 255; i++) epochs.push(await next([[ann, 1n]], epochs.at(-1)))
    const refused = await next([[ann, 1n]], epochs.at(-1)).catch((error: unknown) => error)
    expect((refused as Reverted).error).toBe('TooManyUnfinal')
    world.chain.advance(window)
    await world.finalize(epochs[0] as Proposed, undefined)
    const late = await world.propose([[ann, 1n]], epochs.at(-1))
    expect(late.proposed.record.header.epoch).toBe(256n)
    expect(await read('epochHash', 255n)).toBe(bytesToHex(epochRecordHash((epochs.at(-1) as Proposed).record)))
    await world.mature(1, 1n)
    const again = await world.propose([[ann, 1n]], late.proposed).catch((error: unknown) => error)
    expect((again as Reverted).error).toBe('TooManyUnfinal')
    for (const [i, epoch] of epochs.slice(1).entries()) await world.finalize(epoch, epochs[i])
    expect(await read('finalEpoch')).toBe(255n)
    expect(world.chain.balance(ledger)).toBe(late.proposed.record.bond)
  })
})

describe('finality', () => {
  test('credits, platform, stakers with the dust, and the bond all go where they belong, once', async () => {
    await world.mature(2, 12n, 30n, 500n)
    const { proposed } = await world.propose(
      [
        [ann, 6n],
        [ben, 4n],
      ],
      undefined,
    )
    await expect(world.finalize(proposed, undefined)).rejects.toThrow('WindowOpen')
    world.chain.advance(window - 1n)
    await expect(world.finalize(proposed, undefined)).rejects.toThrow('WindowOpen')
    world.chain.advance(1n)
    const before = world.chain.balance(attributor)
    const { events } = await world.finalize(proposed, undefined)
    expect(events.find(({ name }) => name === 'EpochCredited')).toMatchObject({
      args: { credits: 10n, platform: 30n, stakers: 502n },
    })
    expect(events.at(-1)).toMatchObject({ name: 'EpochFinalized', args: { epoch: 1n } })
    expect(world.chain.balance(attributor)).toBe(before + open)
    expect([ledger, market, vault].map((each) => world.chain.balance(each))).toEqual([0n, 0n, 542n])
    expect(await read('finalEpoch')).toBe(1n)
    await expect(world.finalize(proposed, undefined)).rejects.toThrow('WrongEpoch')
    const paid = await world.chain.send(ann, 'RoyaltyVault', 'claim', [claim(1n, proposed, ann)])
    expect(paid.result).toBe(6n)
  })

  test('comes in order, and only to the record that was proposed on the parent that it names', async () => {
    const first = await next([[ann, 6n]])
    const second = await next(
      [
        [ann, 1n],
        [ben, 2n],
      ],
      first,
    )
    world.chain.advance(window)
    await expect(world.finalize(second, first)).rejects.toThrow('WrongEpoch')
    const forged = { ...first, record: { ...first.record, proposer: stranger } }
    await expect(world.finalize(forged, undefined)).rejects.toThrow('UnknownEpoch')
    const older = { ...first, record: { ...first.record, proposedAt: first.record.proposedAt - 1n } }
    await expect(world.finalize(older, undefined)).rejects.toThrow('UnknownEpoch')
    await world.finalize(first, undefined)
    await expect(world.finalize(second, undefined)).rejects.toThrow('WrongParent')
    await world.finalize(second, first)
    expect((await world.chain.send(ann, 'RoyaltyVault', 'claim', [claim(2n, second, ann)])).result).toBe(7n)
    expect(world.chain.balance(vault)).toBe(2n)
  })
})

describe('reverts', () => {
  test('one takes what stands on it along: half of its bond burned, the others all returned', async () => {
    const first = await next([[ann, 6n]])
    const second = await next([[ann, 1n]], first)
    const third = await next([[ben, 2n]], second)
    const fourth = await next([[ben, 3n]], third)
    const supply = world.chain.supply()
    const before = world.chain.balance(stranger)
    const { events, result } = await revert(second)
    expect(result).toBe(open / 2n)
    expect(world.chain.balance(stranger)).toBe(before + open / 2n)
    expect(events.find(({ name }) => name === 'Burned')).toMatchObject({ args: { amount: open / 2n } })
    expect(events.find(({ name }) => name === 'EpochReverted')).toMatchObject({ args: { epoch: 2n, lastEpoch: 1n } })
    expect(await Promise.all([1n, 2n, 3n].map((n) => read('epochHash', n)))).toEqual([
      bytesToHex(epochRecordHash(first.record)),
      `0x${'00'.repeat(32)}`,
      `0x${'00'.repeat(32)}`,
    ])
    for (const orphan of [third, fourth]) {
      const bonds = world.chain.balance(attributor)
      await world.chain.send(stranger, 'AttributionLedger', 'releaseOrphan', [orphan.record])
      expect(world.chain.balance(attributor)).toBe(bonds + orphan.record.bond)
      expect(await refusal(stranger, 'releaseOrphan', [orphan.record])).toBe('UnknownEpoch')
    }
    expect(world.chain.balance(ledger)).toBe(open)
    expect(world.chain.supply()).toBe(supply)
  })

  test('an orphan keeps its place until it is released, and is never final nor reverted', async () => {
    const first = await next([[ann, 6n]])
    const second = await next([[ann, 1n]], first)
    await revert(first)
    world.chain.advance(window)
    await expect(world.finalize(second, first)).rejects.toThrow('WrongEpoch')
    expect((await world.chain.fails(disputeGame, 'AttributionLedger', 'revertEpoch', [second.record, ann])).error).toBe(
      'UnknownEpoch',
    )
    const again = (
      await world.propose(
        [
          [ann, 5n],
          [ben, 2n],
        ],
        undefined,
      )
    ).proposed
    expect(await read('epochHash', 2n)).toBe(`0x${'00'.repeat(32)}`)
    await world.mature(1, 9n)
    await expect(world.propose([[cat, 9n]], again)).rejects.toThrow('OrphanInPlace')
    await world.chain.send(stranger, 'AttributionLedger', 'releaseOrphan', [second.record])
    const successor = (await world.propose([[cat, 9n]], again)).proposed
    expect(await refusal(stranger, 'releaseOrphan', [successor.record])).toBe('UnknownEpoch')
    world.chain.advance(window)
    await world.finalize(again, undefined)
    await world.finalize(successor, again)
    expect((await world.chain.send(cat, 'RoyaltyVault', 'claim', [claim(2n, successor, cat)])).result).toBe(9n)
    expect((await world.chain.send(ann, 'RoyaltyVault', 'claim', [claim(1n, again, ann)])).result).toBe(5n)
    expect((await world.chain.send(ben, 'RoyaltyVault', 'claim', [claim(2n, successor, ben)])).result).toBe(2n)
    expect(world.chain.balance(vault)).toBe(0n)
  })

  test('only the DisputeGame reverts, and never what is final', async () => {
    const first = await next([[ann, 6n]])
    expect(await refusal(stranger, 'revertEpoch', [first.record, stranger])).toBe('NotDisputeGame')
    world.chain.advance(window)
    await world.finalize(first, undefined)
    expect((await world.chain.fails(disputeGame, 'AttributionLedger', 'revertEpoch', [first.record, ann])).error).toBe(
      'UnknownEpoch',
    )
  })

  const revert = (epoch: Proposed) =>
    world.chain.send(disputeGame, 'AttributionLedger', 'revertEpoch', [epoch.record, stranger])
})

test('only the money timelock names another attributor', async () => {
  expect(await refusal(attributor, 'setAttributor', [stranger])).toBe('NotMoneyTimelock')
  await world.chain.send(openLedgerPredeploys.moneyTimelock, 'AttributionLedger', 'setAttributor', [stranger])
  await world.mature(1, 5n)
  await expect(world.propose([[ann, 5n]], undefined)).rejects.toThrow('AttributorFirst')
  await world.propose([[ann, 5n]], undefined, { by: stranger })
  expect(await refusal(stranger, 'initialize', [stranger, 1n])).toBe('InvalidInitialization')
})

function claim(epoch: bigint, { payouts, payoutTree }: Proposed, of: Hex) {
  return claimOf(epoch, { payouts, payoutTree } as Parameters<typeof claimOf>[1], of)
}
