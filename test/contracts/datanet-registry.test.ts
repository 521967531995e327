import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { GenesisEvm } from '../../genesis/genesis-evm.ts'
import { type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { permissive } from '../fakes/licences.ts'
import { addingDiff, noRoots } from '../fakes/version-diff.ts'
import { alice, at, balanceOf, bob, calldata, carol, l2Chain, sendRaw, unit } from './chain.ts'

const address = openLedgerPredeploys.datanetRegistry
const registry = at('DatanetRegistry', address)
const status = { draft: 1, open: 2, closed: 3, archived: 4, published: 5 }
const decision = { pending: 1, accepted: 2, rejected: 3, withdrawn: 4 }
const licence = permissive
const roots = { ...noRoots, itemsRoot: word('11'), tokenRoot: word('12'), suffixRoot: word('13'), tokenCount: 5n }

let evm: GenesisEvm
beforeEach(async () => {
  evm = await l2Chain()
})

const call = (functionName: string, args: readonly unknown[], from: Hex, value = 0n) =>
  evm.call(registry, functionName, args, { from, value })

const events = (functionName: string, args: readonly unknown[], from: Hex, value = 0n) =>
  sendRaw(evm, address, calldata(registry, functionName, args), { from, value }, 'DatanetRegistry')

/** A Datanet of alice that anyone may contribute to. */
async function openDatanet(bond = 0n): Promise<bigint> {
  const id = (await call('create', [0, 0, licence, word('00'), bond, word('aa')], alice)) as bigint
  await call('setStatus', [id, status.open], alice)
  return id
}

async function money() {
  const bonds = (await call('bondsLocked', [], carol)) as bigint
  const refunds = (await call('refundsOwed', [], carol)) as bigint
  return { bonds, refunds, held: balanceOf(evm, address) }
}

describe('Datanets', () => {
  test('a new one is a draft with what its owner said, announced', async () => {
    const args = [2, 1, licence, word('bb'), 7n, word('aa')] as const
    const [created] = await events('create', args, alice)
    expect(created).toMatchObject({ name: 'DatanetCreated', args: { id: 1n, mediaType: 2, licenceId: licence } })
    expect(await call('datanets', [1n], bob)).toMatchObject({
      mediaType: 2,
      visibility: 1,
      status: status.draft,
      version: 0,
      policy: word('bb'),
      bondPerItem: 7n,
      metaHash: word('aa'),
    })
  })

  test('unknown media types and visibilities are refused', async () => {
    await expect(call('create', [4, 0, licence, licence, 0n, licence], alice)).rejects.toThrow('BadMediaType')
    await expect(call('create', [0, 2, licence, licence, 0n, licence], alice)).rejects.toThrow('BadVisibility')
  })

  test('only its owner changes it', async () => {
    const id = await openDatanet()
    await expect(call('setMeta', [id, word('cc')], bob)).rejects.toThrow('NotOwner')
    await expect(call('setStatus', [id, status.closed], bob)).rejects.toThrow('NotOwner')
    await expect(call('publish', [id, roots, addingDiff(1)], bob)).rejects.toThrow('NotOwner')
    await expect(call('setMeta', [99n, word('cc')], bob)).rejects.toThrow('UnknownDatanet')
    expect(await events('setMeta', [id, word('cc')], alice)).toMatchObject([{ name: 'DatanetMeta' }])
  })

  test('any sequence of status changes stays on the drawn edges', async () => {
    const legal = new Set(['1>5', '1>2', '5>2', '3>2', '2>3', '1>4', '5>4', '2>4', '3>4'])
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 12 }), async (wanted) => {
        const id = await call('create', [0, 0, licence, licence, 0n, licence], alice)
        let current = status.draft
        for (const next of wanted) {
          const done = await call('setStatus', [id, next], alice).then(
            () => true,
            () => false,
          )
          expect(done).toBe(legal.has(`${current}>${next}`))
          if (done) current = next
        }
        expect(await call('datanets', [id], bob)).toMatchObject({ status: current })
      }),
      { numRuns: 40 },
    )
  })

  test('versions count up, keep their roots and need some', async () => {
    const id = await openDatanet()
    const [published] = await events('publish', [id, roots, addingDiff(1)], alice)
    expect(published).toMatchObject({ name: 'VersionPublished', args: { id, version: 1, itemsRoot: roots.itemsRoot } })
    expect(await call('publish', [id, { ...roots, itemsRoot: word('21') }, addingDiff(1, word('11'), 1)], alice)).toBe(
      2,
    )
    expect(await call('versions', [id, 1], bob)).toEqual(roots)
    await expect(call('publish', [id, { ...roots, itemsRoot: word('00') }, addingDiff(1)], alice)).rejects.toThrow(
      'EmptyRoot',
    )
  })
})

describe('contributions', () => {
  test('one is recorded with its author, hashes, consent and bond', async () => {
    const id = await openDatanet(5n)
    const [submitted] = await events('submit', [id, word('c1'), word('c2'), 0xa5, 9, zeroHash], bob, 5n)
    expect(submitted).toMatchObject({
      name: 'ContributionSubmitted',
      args: { id, contribId: 1n, contentHash: word('c1'), simHash: word('c2'), consent: 0xa5, bond: 5n },
    })
    expect(await call('contribution', [1n], alice)).toMatchObject({ datanet: id, decision: decision.pending })
    expect(await call('bondOf', [1n], alice)).toBe(5n)
  })

  test('the bond must be exact, for one and for a batch', async () => {
    const id = await openDatanet(5n)
    for (const value of [0n, 4n, 6n]) {
      await expect(call('submit', [id, word('c1'), word('c2'), 0, 9, zeroHash], bob, value)).rejects.toThrow(
        'WrongBond',
      )
    }
    await expect(call('submitBatch', [id, word('c1'), 3, 90, zeroHash], bob, 14n)).rejects.toThrow('WrongBond')
  })

  test('the same content is taken once a Datanet, until it is rejected', async () => {
    const id = await openDatanet()
    await call('submit', [id, word('c1'), word('c2'), 0, 9, zeroHash], bob)
    await expect(call('submit', [id, word('c1'), word('c2'), 0, 9, zeroHash], carol)).rejects.toThrow('Duplicate(1)')
    await call('submit', [await openDatanet(), word('c1'), word('c2'), 0, 9, zeroHash], carol)
    await call('decide', [1n, false, word('01')], alice)
    await call('submit', [id, word('c1'), word('c2'), 0, 9, zeroHash], carol)
  })

  test('a batch takes consecutive ids, and each belongs to it', async () => {
    const id = await openDatanet()
    await call('submit', [id, word('c1'), word('c2'), 0, 9, zeroHash], bob)
    const [batch] = await events('submitBatch', [id, word('d1'), 1_000, 90, zeroHash], bob)
    expect(batch).toMatchObject({
      name: 'ContributionBatch',
      args: { id, firstId: 2n, count: 1_000, root: word('d1') },
    })
    expect(await call('submit', [id, word('c3'), word('c2'), 0, 9, zeroHash], bob)).toBe(1_002n)
    for (const contribId of [2n, 500n, 1_001n]) expect(await call('batchOf', [contribId], bob)).toBe(2n)
    for (const contribId of [1n, 1_002n, 5_000n]) {
      await expect(call('batchOf', [contribId], bob)).rejects.toThrow('UnknownContribution')
    }
    await expect(call('submitBatch', [id, word('d1'), 2, 90, zeroHash], bob)).rejects.toThrow('Duplicate')
    await expect(call('submitBatch', [id, word('d2'), 0, 90, zeroHash], bob)).rejects.toThrow('BadCount')
    await expect(call('submitBatch', [id, word('d2'), 2 ** 16 + 1, 90, zeroHash], bob)).rejects.toThrow('BadCount')
  })

  test('a draft takes its owner’s only, a closed or archived one nobody’s', async () => {
    const id = await call('create', [0, 0, licence, licence, 0n, licence], alice)
    await call('submit', [id, word('c1'), word('c2'), 0, 9, zeroHash], alice)
    await expect(call('submit', [id, word('c3'), word('c2'), 0, 9, zeroHash], bob)).rejects.toThrow(
      'NotAcceptingContributions',
    )
    await call('setStatus', [id, status.open], alice)
    await call('submit', [id, word('c3'), word('c2'), 0, 9, zeroHash], bob)
    await call('setStatus', [id, status.closed], alice)
    await expect(call('submit', [id, word('c4'), word('c2'), 0, 9, zeroHash], alice)).rejects.toThrow(
      'NotAcceptingContributions',
    )
    await expect(call('submitBatch', [id, word('c5'), 3, 90, zeroHash], alice)).rejects.toThrow(
      'NotAcceptingContributions',
    )
  })
})

describe('decisions', () => {
  test('only the Datanet’s owner decides, once', async () => {
    const id = await openDatanet()
    await call('submit', [id, word('c1'), word('c2'), 0, 9, zeroHash], bob)
    await expect(call('decide', [1n, true, word('00')], bob)).rejects.toThrow('NotOwner')
    const [decided] = await events('decide', [1n, true, word('07')], alice)
    expect(decided).toMatchObject({ name: 'ContributionDecided', args: { contribId: 1n, accepted: true } })
    await expect(call('decide', [1n, false, word('00')], alice)).rejects.toThrow('WrongDecision')
    await expect(call('decide', [2n, false, word('00')], alice)).rejects.toThrow('UnknownContribution')
  })

  test('an item of a batch can be decided apart from the rest', async () => {
    const id = await openDatanet(3n)
    await call('submitBatch', [id, word('d1'), 10, 90, zeroHash], bob, 30n)
    await call('decide', [4n, false, word('00')], alice)
    const [decided] = await events('decideBatch', [1n, true, word('00')], alice)
    expect(decided).toMatchObject({ name: 'ContributionBatchDecided', args: { firstId: 1n, accepted: true, items: 9 } })
    expect(await call('contribution', [4n], bob)).toMatchObject({ decision: decision.rejected })
    expect(await call('contribution', [5n], bob)).toMatchObject({ decision: decision.accepted })
    await expect(call('decide', [5n, false, word('00')], alice)).rejects.toThrow('WrongDecision')
    expect(await money()).toEqual({ bonds: 27n, refunds: 3n, held: 30n })
  })

  test('a rejected batch refunds the items that were not decided apart', async () => {
    const id = await openDatanet(3n)
    await call('submitBatch', [id, word('d1'), 10, 90, zeroHash], bob, 30n)
    await call('decide', [1n, true, word('00')], alice)
    await call('withdrawConsent', [2n], bob)
    await call('decideBatch', [1n, false, word('00')], alice)
    expect(await money()).toEqual({ bonds: 3n, refunds: 27n, held: 30n })
  })
})

describe('consent', () => {
  test('only the author withdraws it, from the next version on', async () => {
    const id = await openDatanet()
    await call('submit', [id, word('c1'), word('c2'), 0, 9, zeroHash], bob)
    await call('publish', [id, roots, addingDiff(1)], alice)
    await expect(call('withdrawConsent', [1n], alice)).rejects.toThrow('NotAuthor')
    const [withdrawn] = await events('withdrawConsent', [1n], bob)
    expect(withdrawn).toMatchObject({ name: 'ConsentWithdrawn', args: { contribId: 1n, fromVersion: 2 } })
    await expect(call('withdrawConsent', [1n], bob)).rejects.toThrow('WrongDecision')
  })

  test('an accepted item’s bond answers for disputes seven more days', async () => {
    const id = await openDatanet(5n)
    await call('submit', [id, word('c1'), word('c2'), 0, 9, zeroHash], bob, 5n)
    await call('submitBatch', [id, word('d1'), 4, 90, zeroHash], bob, 20n)
    await call('decide', [1n, true, word('00')], alice)
    await call('decideBatch', [2n, true, word('00')], alice)
    await expect(call('releaseBond', [1n], bob)).rejects.toThrow('WrongDecision')
    for (const contribId of [1n, 3n]) {
      await call('withdrawConsent', [contribId], bob)
      await expect(call('releaseBond', [contribId], bob)).rejects.toThrow('BondInDispute')
    }
    evm.timestamp += 7n * 86_400n
    for (const contribId of [1n, 3n]) {
      await call('releaseBond', [contribId], carol)
      await expect(call('releaseBond', [contribId], carol)).rejects.toThrow('WrongDecision')
    }
    expect(await money()).toEqual({ bonds: 15n, refunds: 10n, held: 25n })
  })
})

describe('money', () => {
  test('a refund is paid once, to whom it is owed', async () => {
    const id = await openDatanet(unit)
    await call('submit', [id, word('c1'), word('c2'), 0, 9, zeroHash], bob, unit)
    await call('decide', [1n, false, word('00')], alice)
    await expect(call('claimRefund', [carol], carol)).rejects.toThrow('NothingOwed')
    const before = balanceOf(evm, carol)
    await expect(call('claimRefund', [zeroAddress], bob)).rejects.toThrow('ZeroAddress')
    await call('claimRefund', [carol], bob)
    expect(balanceOf(evm, carol) - before).toBe(unit)
    await expect(call('claimRefund', [bob], bob)).rejects.toThrow('NothingOwed')
  })

  test('after any calls by anyone, what is held is what is locked plus what is owed', async () => {
    const actors = [alice, bob, carol]
    const step = fc.record({
      kind: fc.constantFrom('submit', 'batch', 'decide', 'decideBatch', 'withdraw', 'release', 'claim', 'wait'),
      actor: fc.nat(2),
      id: fc.integer({ min: 1, max: 12 }),
      accept: fc.boolean(),
      count: fc.integer({ min: 1, max: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        evm = await l2Chain()
        const id = await openDatanet(3n)
        for (const [index, { kind, actor, id: contribId, accept, count }] of steps.entries()) {
          const from = actors[actor] ?? alice
          const hash = word((index + 1).toString(16).padStart(4, '0'))
          const attempts: Record<typeof kind, () => Promise<unknown>> = {
            submit: () => call('submit', [id, hash, hash, 0, 9, zeroHash], from, 3n),
            batch: () => call('submitBatch', [id, hash, count, 90, zeroHash], from, 3n * BigInt(count)),
            decide: () => call('decide', [BigInt(contribId), accept, hash], alice),
            decideBatch: () => call('decideBatch', [BigInt(contribId), accept, hash], alice),
            withdraw: () => call('withdrawConsent', [BigInt(contribId)], from),
            release: () => call('releaseBond', [BigInt(contribId)], from),
            claim: () => call('claimRefund', [from], from),
            wait: async () => {
              evm.timestamp += 4n * 86_400n
            },
          }
          await attempts[kind]().catch(() => undefined)
          const { bonds, refunds, held } = await money()
          expect(held).toBe(bonds + refunds)
        }
      }),
      { numRuns: 30 },
    )
  })
})

describe('payout addresses', () => {
  test('one rotates at the next epoch, and earlier epochs keep theirs', async () => {
    const id = await openDatanet()
    await call('submit', [id, word('c1'), word('c2'), 0, 9, zeroHash], bob)
    const epoch = (await call('payoutEpoch', [], bob)) as bigint
    const payout = async (at: bigint) => String(await call('payoutAt', [bob, at], alice)).toLowerCase()
    expect(await payout(epoch)).toBe(bob)
    const [rotated] = await events('rotatePayout', [carol], bob)
    expect(rotated).toMatchObject({ name: 'PayoutRotated', args: { fromEpoch: epoch + 1n } })
    expect(await payout(epoch)).toBe(bob)
    expect(await payout(epoch + 1n)).toBe(carol)
    evm.timestamp += 3n * 86_400n
    await call('rotatePayout', [alice], bob)
    await call('rotatePayout', [bob], bob)
    expect(await payout(epoch + 3n)).toBe(carol)
    expect(await payout(epoch + 4n)).toBe(bob)
    expect(String(await call('payoutOfAt', [1n, evm.timestamp], alice)).toLowerCase()).toBe(carol)
    await expect(call('rotatePayout', [`0x${'0'.repeat(40)}`], bob)).rejects.toThrow('ZeroAddress')
  })

  test('a contribution pays whom its author had named by a time, one that there is not nobody', async () => {
    const id = await openDatanet()
    await call('submit', [id, word('c1'), word('c2'), 0, 9, zeroHash], bob)
    await call('submitBatch', [id, word('d1'), 10, 90, zeroHash], carol)
    const tomorrow = (((await call('payoutEpoch', [], bob)) as bigint) + 1n) * 86_400n
    await call('rotatePayout', [alice], bob)
    const payout = async (item: bigint, time: bigint) =>
      String(await call('payoutOfAt', [item, time], alice)).toLowerCase()
    expect(await payout(1n, tomorrow - 1n)).toBe(bob)
    expect(await payout(1n, tomorrow)).toBe(alice)
    for (const item of [2n, 11n]) expect(await payout(item, tomorrow)).toBe(carol)
    for (const item of [0n, 12n]) expect(await payout(item, tomorrow)).toBe(`0x${'0'.repeat(40)}`)
  })
})

function word(hex: string): Hex {
  return `0x${hex.padEnd(64, '0')}`
}
