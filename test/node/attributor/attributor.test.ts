import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { allEvents } from '../../../chain/ledger/all-events.ts'
import { lastMatureBatch } from '../../../chain/ledger/batch-state.ts'
import { committedBatch } from '../../../chain/ledger/committed-batch.ts'
import { demandsOf } from '../../../chain/ledger/demand-state.ts'
import { finalEpoch, proposedEpochs, standingEpoch } from '../../../chain/ledger/epoch-state.ts'
import { systemClock } from '../../../common/clock.ts'
import { keySigner, MessageAuthor } from '../../../p2p/workers/message-author.ts'
import { heartbeat } from '../../../p2p/workers/wire/messages.ts'
import { payeePools, poolOf, poolPayee } from '../../../protocol/attribution-entry.ts'
import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../../protocol/bytes.ts'
import { epochStateOf, noEpoch } from '../../../protocol/epoch-record.ts'
import { amountOf } from '../../../protocol/fee.ts'
import { AttributorWorld } from '../../fakes/attributor-world.ts'
import { type BuiltBatch, buildEpoch, epochOf } from '../../fakes/money-batch.ts'

/** Each starts threads, which takes seconds where the machine has other work. */
const timeout = 120_000

describe('the attributor', { timeout }, () => {
  let world: AttributorWorld

  beforeEach(async () => {
    world = await AttributorWorld.open()
  }, timeout)
  afterEach(() => world.close(), timeout)

  /** Commits a batch whose file the attributor has, unless told. */
  const commit = async (receipts: number, hasFile = true) => {
    const batch = world.market.build(receipts)
    const id = await world.market.commit(batch)
    if (hasFile) world.content.store.put(batch.file)
    return { ...batch, id }
  }

  /** What each payee of these batches earned, from their receipts alone. */
  const earned = (batches: readonly { readonly built: BuiltBatch }[]) => {
    const sums = new Map<Hex, bigint>()
    for (const { parts, entries } of batches.flatMap(({ built }) => built.receipts)) {
      for (const { payee, class: kind, weight } of entries) {
        sums.set(payee, (sums.get(payee) ?? 0n) + amountOf(parts[poolOf(kind)], weight))
      }
    }
    return sums
  }

  test('carries fees from batches to the payees’ accounts, to the wei, and sends each transaction once', async () => {
    const batches = [await commit(3), await commit(2)]
    const [worker, modelOwner] = [world.chain.actor('worker').address, world.chain.actor('model owner').address]
    const before = new Map([
      [worker, await world.chain.balance(worker)],
      [modelOwner, await world.chain.balance(modelOwner)],
    ])
    world.chain.advance(60)
    await world.chain.mine()
    await world.start()
    await world.until('payees are paid', (book) => book.paidOf(worker) > 0n)
    const owed = earned(batches)
    for (const [payee, balance] of before) {
      expect(await world.chain.balance(payee)).toBe(balance + (owed.get(payee) ?? -1n))
      expect(world.book.paidOf(payee)).toBe(owed.get(payee))
    }
    const pool = poolPayee(payeePools.units, 1n)
    expect(world.book.paidOf(pool)).toBe(owed.get(pool))
    // What is left in the vault is in pools: the Datanet's, the stakers' with the dust, the treasury's.
    const total = batches.flatMap(({ built }) => built.receipts).reduce((sum, { receipt }) => sum + receipt.fee, 0n)
    const paidOut = (owed.get(worker) ?? 0n) + (owed.get(modelOwner) ?? 0n)
    expect(await world.chain.balance('0x4f4c000000000000000000000000000000000006')).toBe(total - paidOut)
    // Maturing, proposal, finality, claims.
    for (let i = 0; i < 5; i++) await world.chain.mine()
    expect(await world.nonceOf('attributor')).toBe(4)
  })

  test('commits with each epoch to the last heartbeat of each worker that was heard, once, and keeps what they signed', async () => {
    const author = new MessageAuthor(901n, keySigner(hexToBytes(world.chain.actor('worker').key)), systemClock)
    const worker = author.address
    const beat = (running: number) =>
      author.message(heartbeat, { worker, running, queued: 0, tokensPerMinute: 0, block: 1n, capability: 0n }, 90)
    world.heard.add(worker, beat(1))
    const last = beat(2)
    world.heard.add(worker, last)
    world.heard.add('0x01', beat(3))
    await commit(1)
    world.chain.advance(60)
    await world.chain.mine()
    await world.start()
    await world.until('the epoch is final', (book) => finalEpoch(book) === 1n)
    await world.until('a root is told', () => world.lines.join('').includes('heartbeats of an epoch committed'))
    const [event, ...more] = await allEvents(world.chain.rpc, 'WorkerRegistry', 'HeartbeatRoot')
    expect(more).toEqual([])
    expect(event?.args).toMatchObject({ epoch: 1n, workers: 2 })
    const file = world.content.store.getRecords(String(event?.args['root']), last.length)
    expect(file?.subarray(last.length), 'ascending by worker').toEqual(last)
    expect(world.heard.size).toBe(0)
  })

  test('goes on after a stop at every stage, and nothing is done twice', async () => {
    const batch = await commit(2)
    const worker = world.chain.actor('worker').address
    const stages: readonly [string, () => boolean][] = [
      ['mature', () => lastMatureBatch(world.book) === 1n],
      ['proposed', () => proposedEpochs(world.book).length === 1],
      ['final', () => finalEpoch(world.book) === 1n],
      ['paid', () => world.book.paidOf(worker) > 0n],
    ]
    for (const [stage, isThere] of stages) {
      await world.start()
      await world.until(stage, isThere)
      await world.stop()
    }
    await world.start()
    for (let i = 0; i < 20; i++) await world.chain.mine()
    await world.until('follows', (book) => book.head?.number === world.chain.head.number)
    expect(world.book.paidOf(worker)).toBe(earned([batch]).get(worker))
    expect(await world.nonceOf('attributor')).toBe(4)
  })

  test('makes no batch mature whose data nobody has, says so, and goes on when it comes', async () => {
    const withheld = await commit(1, false)
    await world.start()
    await world.until('it is told', () => world.lines.some((line) => line.includes('waits for its data')))
    expect(lastMatureBatch(world.book)).toBe(0n)
    // Bytes that are the hash's and not the batch's would not do either; here they are right.
    world.content.store.put(withheld.file)
    await world.until('it is final', (book) => finalEpoch(book) === 1n)
  })

  test('shows the leaves that are asked of its epoch and of batches, and is paid for it', async () => {
    const { id } = await commit(3)
    const { chain } = world
    const bob = chain.actor('bob')
    await world.start()
    await world.until('followed', (book) => book.batch(id) !== undefined)
    const { header } = world.book.batch(id) ?? never()
    const value = 10n ** 17n
    // A thread takes some real time to start, and chain time must not run on meanwhile.
    const slowly = { turnsMax: 10_000 }
    await chain.send(bob, 'AttributionLedger', 'requestReceipt', [header, 1], { value })
    await world.until('the receipt is shown', (book) => demandsOf(book, 'batch', id)[0]?.outcome === 'served', slowly)
    await world.until('an epoch is proposed', (book) => proposedEpochs(book).length === 1)
    const { record } = standingEpoch(world.book, 1n) ?? never()
    await chain.send(bob, 'AttributionLedger', 'requestCredit', [record, 2], { value })
    await chain.send(bob, 'AttributionLedger', 'requestPayout', [record, 0], { value })
    const outcomes = () => demandsOf(world.book, 'epoch', 1n).map(({ outcome }) => outcome)
    await world.until('both are shown', () => outcomes().join() === 'served,served', slowly)
    await world.until('it is final all the same', (book) => finalEpoch(book) === 1n)
    expect(demandsOf(world.book, 'epoch', 1n).every(({ answer }) => (answer?.length ?? 0) > 10)).toBe(true)
  })

  test('takes orphans’ bonds back and proposes anew after an epoch was reverted', async () => {
    const { chain } = world
    const bob = chain.actor('bob')
    await commit(1)
    await world.start()
    await world.until('epoch 1', (book) => proposedEpochs(book).length === 1)
    const { record } = standingEpoch(world.book, 1n) ?? never()
    // It sleeps while somebody asks.
    await world.stop()
    await chain.send(bob, 'AttributionLedger', 'requestPayout', [record, 0], { value: 10n ** 17n })
    chain.advance(20)
    const hash = await chain.read('AttributionLedger', 'epochHash', [1n])
    const { payoutRoot, payoutCount } = record.header
    const demand = { kind: 5, subject: hash, root: payoutRoot, count: payoutCount, index: 0 }
    await chain.send(bob, 'AttributionLedger', 'epochDataMissing', [demand, record])
    expect(await chain.read('AttributionLedger', 'lastEpoch')).toBe(0n)
    await world.start()
    await world.until('epoch 1 is final', (book) => finalEpoch(book) === 1n)
    expect(epochStateOf(world.book.proposals(1n)[0]?.record ?? never()).payoutRoot).toBe(payoutRoot)
  })

  test('neither finalises nor builds on an epoch of another that is not the canonical one', async () => {
    const { chain } = world
    const bob = chain.actor('bob')
    const { built, id } = await commit(2)
    const { header } = (await committedBatch(chain.rpc, id)) ?? never()
    chain.advance(60)
    await chain.mine()
    await chain.send(bob, 'InferenceMarket', 'matureBatches', [[header]])
    const right = buildEpoch(
      built.receipts.map((receipt) => ({ ...receipt, isVoid: false })),
      [],
    )
    // The worker's part goes to bob: all that the ledger checks itself holds.
    const worker = chain.actor('worker').address
    const rob = <T extends { readonly payee: Hex }>(row: T) =>
      row.payee === worker ? { ...row, payee: bob.address } : row
    const wrong = epochOf(right.credits.map(rob), right.payouts.map(rob))
    const epoch = {
      ...{ epoch: 1n, parentRoot: zeroHash, firstBatch: id, lastBatch: id, dataHash: zeroHash },
      ...{ creditsRoot: bytesToHex(wrong.creditsTree.root), creditsSum: wrong.creditsSum },
      ...{ creditsCount: wrong.credits.length, payoutRoot: bytesToHex(wrong.payoutTree.root) },
      ...{ payoutSum: wrong.payoutSum, payoutCount: wrong.payouts.length },
      algoHash: await chain.read('AttributionLedger', 'algoHash'),
    }
    const tops = [bytesToHex(wrong.creditsTree.topHash), bytesToHex(wrong.payoutTree.topHash)]
    await chain.send(bob, 'AttributionLedger', 'proposeLateEpoch', [epoch, ...tops, noEpoch, header], {
      value: 2n * 10n ** 18n,
    })
    await commit(1)
    await world.start()
    const told = () => world.lines.some((line) => line.includes('is not what its batches give'))
    await world.until('it is told', told)
    for (let i = 0; i < 40; i++) await world.chain.mine()
    await world.until('the window is long over', (book) => book.head?.number === chain.head.number)
    expect(finalEpoch(world.book)).toBe(0n)
    expect(await chain.read('AttributionLedger', 'lastEpoch')).toBe(1n)
  })

  test('of another account proposes once the configured one had its time', async () => {
    await commit(1)
    await world.start({}, 'bob')
    await world.until('a late epoch', (book) => standingEpoch(book, 1n) !== undefined)
    expect(standingEpoch(world.book, 1n)?.record.proposer).toBe(world.chain.actor('bob').address)
    await world.until('it is final', (book) => finalEpoch(book) === 1n)
  })
})

function never(): never {
  throw new Error('absent')
}
