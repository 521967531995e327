import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, type Hex, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import { epochRecordHash } from '../../protocol/epoch-record.ts'
import { receiptRow } from '../../protocol/inference-receipt.ts'
import { type BatchHeader, batchHash, segmentsHash } from '../../protocol/receipt-batch.ts'
import { type Draft, entryTreeOf, honestDrafts, type Plan, segmentsOf } from '../fakes/dispute-batch.ts'
import { attributor, batchHeader, disputeGame, LedgerWorld, type Proposed, window } from '../fakes/ledger-world.ts'
import { siblingsOf } from '../fakes/money-batch.ts'
import { type Actor, open } from '../fakes/money-chain.ts'
import { at, ProvenTree } from '../fakes/proven-tree.ts'
import { Random } from '../fakes/random.ts'
import { tokenProof } from '../fakes/token-proof.ts'

const ledger = openLedgerPredeploys.attributionLedger
const kinds = { receipt: 0, entry: 1, prompt: 2, output: 3, credit: 4, payout: 5 } as const
const dataWithheld = 8

type Demand = { kind: number; subject: Hex; root: Hex; count: number; index: number }
type Batch = { header: BatchHeader; drafts: Draft[]; tree: ProvenTree }

let world: LedgerWorld
let worker: Actor
let asker: Actor
let start: bigint
beforeEach(async () => {
  world = await LedgerWorld.create()
  ;[worker, asker] = [world.chain.actor('worker'), world.chain.actor('asker')]
  start = world.chain.now
})

const send = (from: Actor | Hex, name: string, args: unknown[], value = 0n) =>
  world.chain.send(from, 'AttributionLedger', name, args, { value })
const refusal = async (from: Actor | Hex, name: string, args: unknown[], value = 0n) =>
  (await world.chain.fails(from, 'AttributionLedger', name, args, { value })).error
const price = async (demand: Demand) => (await world.chain.read('AttributionLedger', 'answerPrice', [demand])) as bigint
const holds = (batchId: bigint) => world.market('holds', [batchId])

/** A batch that the market knows, of one receipt for each plan. */
async function commit(plans: readonly Omit<Plan, 'payer'>[], batchId = 1n, voidedFees = 0n): Promise<Batch> {
  const payer = world.chain.actor('payer')
  const drafts = honestDrafts(
    worker,
    plans.map((plan) => ({ payer, ...plan })),
    start,
  )
  const tree = new ProvenTree(
    drafts.map(({ receipt, payment, sums }) => receiptRow(receipt, hexToBytes(payment), sums)),
  )
  const header = batchHeader({
    batchId,
    worker: worker.address,
    committedAt: start,
    receiptRoot: tree.root,
    count: drafts.length,
    sums: tree.sums,
    segmentsHash: bytesToHex(segmentsHash(segmentsOf(drafts))),
  })
  await world.commit(header, voidedFees)
  return { header, drafts, tree }
}

const demandOf = ({ header }: Batch, kind: number, root: Hex, count: number, index: number): Demand => ({
  ...{ kind, subject: bytesToHex(batchHash(header)), root, count, index },
})
const receiptDemand = (batch: Batch, index: number) =>
  demandOf(batch, kinds.receipt, batch.header.receiptRoot, batch.header.count, index)

function opened({ header, drafts, tree }: Batch, index: number) {
  const { receipt, payment, sums } = at(drafts, index)
  return { header, index, receipt, paymentHash: payment, sums, siblings: tree.siblings(index) }
}

/** `ServedReceipt`. */
function served({ drafts, tree }: Batch, index: number) {
  const { receipt, request, voucher, signature, cut, payment, sums } = at(drafts, index)
  const none = { r: zeroHash, vs: zeroHash }
  const pair = ({ r, vs }: { r: Hex; vs: Hex }) => ({ r, vs })
  return {
    receipt,
    request,
    onChain: payment === zeroHash,
    payment: {
      voucher,
      signature: pair(signature),
      cut: cut !== undefined,
      cancel: cut?.cancel ?? { requestId: zeroHash, tout: 0, outputRoot: zeroHash },
      cancelSignature: cut === undefined ? none : pair(cut.signature),
    },
    sums,
    siblings: tree.siblings(index),
  }
}

const plans = [
  { tin: 70, tout: 33 },
  { tin: 5, tout: 1, hasApp: true },
  { tin: 8, tout: 9, cut: true },
  { tin: 4, tout: 40, onChain: true },
]

describe('a demand that is answered', () => {
  test('holds the batch until anyone shows the receipt with all that it stands on, and pays for it', async () => {
    const batch = await commit(plans)
    for (const [index] of plans.entries()) {
      const demand = receiptDemand(batch, index)
      const prepaid = await price(demand)
      const asked = await send(asker, 'requestReceipt', [batch.header, index], prepaid + 5n)
      expect(asked.events).toMatchObject([
        { name: 'DataRequested', args: { number: 1n, demand, prepaid: prepaid + 5n } },
      ])
      expect(await holds(1n)).toBe(1n)
      const before = world.chain.balance(worker)
      const answer = await send(worker, 'serveReceipt', [demand, served(batch, index)])
      expect(answer.events).toMatchObject([{ name: 'DataServed', args: { answerer: checksummed(worker) } }])
      expect(world.chain.balance(worker)).toBe(before + prepaid + 5n)
      expect(await holds(1n)).toBe(0n)
      expectFair(prepaid, answer.gas)
      expect(await refusal(asker, 'requestReceipt', [batch.header, index], prepaid)).toBe('AlreadyRequested')
    }
    expect(world.chain.balance(ledger)).toBe(0n)
  })

  test('may be about entries, prompt and output of a known receipt', async () => {
    const batch = await commit(plans)
    const draft = at(batch.drafts, 0)
    const entries = entryTreeOf(draft)
    for (const [index, entry] of draft.entries.entries()) {
      const demand = demandOf(batch, kinds.entry, draft.receipt.attrRoot, draft.entries.length, index)
      const prepaid = await price(demand)
      await send(asker, 'requestEntry', [opened(batch, 0), index], prepaid)
      const { sums } = entries.row(index)
      const leaf = { entry: { index, ...entry }, sums, siblings: entries.siblings(index) }
      expectFair(prepaid, (await send(worker, 'serveEntry', [demand, leaf])).gas)
    }
    const lists = [
      ['requestPrompt', [opened(batch, 0), draft.request], kinds.prompt, draft.request.promptRoot, 70],
      ['requestOutput', [opened(batch, 0)], kinds.output, draft.receipt.outputRoot, 33],
    ] as const
    for (const [name, args, kind, root, count] of lists) {
      for (let index = 0; index * 32 < count; index++) {
        const demand = demandOf(batch, kind, root, count, index)
        const prepaid = await price(demand)
        await send(asker, name, [...args, index], prepaid)
        const { tokens, siblings } = tokenProof(new Uint32Array(count), index)
        expectFair(prepaid, (await send(worker, 'serveTokens', [demand, tokens, siblings])).gas)
      }
      expect(await refusal(asker, name, [...args, Math.ceil(count / 32)], open)).toBe('NoSuchLeaf')
    }
    expect([await holds(1n), world.chain.balance(ledger)]).toEqual([0n, 0n])
  })

  test('of an epoch is a credit or a payout, and keeps the epoch from being final while it is open', async () => {
    const { proposed } = await epoch(40)
    const asks = [
      ['requestCredit', 'serveCredit', kinds.credit, proposed.creditsTree, proposed.record.header.creditsRoot],
      ['requestPayout', 'servePayout', kinds.payout, proposed.payoutTree, proposed.record.header.payoutRoot],
    ] as const
    for (const [request, serve, kind, tree, root] of asks) {
      const demand = epochDemand(proposed, kind, root, 40, 17)
      await send(asker, request, [proposed.record, 17], await price(demand))
      const fork = new LedgerWorld(await world.chain.fork())
      fork.chain.advance(window)
      await expect(fork.finalize(proposed, undefined)).rejects.toThrow('DataOutstanding')
      const leaf = kind === kinds.credit ? at(proposed.credits, 17) : at(proposed.payouts, 17)
      await send(worker, serve, [demand, { index: 17, ...leaf }, siblingsOf(tree, 17)])
    }
    world.chain.advance(window)
    await world.finalize(proposed, undefined)
    expect(world.chain.balance(ledger)).toBe(0n)
  })

  test('prepays half more than the answer costs also where the tree is large', async () => {
    const { proposed } = await epoch(3_000)
    const demand = epochDemand(proposed, kinds.credit, proposed.record.header.creditsRoot, 3_000, 2_999)
    const paid = await price(demand)
    await send(asker, 'requestCredit', [proposed.record, 2_999], paid)
    const credit = { index: 2_999, ...at(proposed.credits, 2_999) }
    const { gas } = await send(worker, 'serveCredit', [demand, credit, siblingsOf(proposed.creditsTree, 2_999)])
    expectFair(paid, gas)
  })
})

describe('a demand is refused', () => {
  test('for what nobody committed to, or what is void', async () => {
    const batch = await commit(plans)
    const other = { ...batch.header, count: 9 }
    expect(await refusal(asker, 'requestReceipt', [other, 8], open)).toBe('UnknownBatch')
    expect(await refusal(asker, 'requestReceipt', [batch.header, 4], open)).toBe('NoSuchLeaf')
    const wrong = { ...opened(batch, 0), receipt: { ...opened(batch, 0).receipt, attrRoot: batch.header.dataHash } }
    expect(await refusal(asker, 'requestEntry', [wrong, 0], open)).toBe('NotInTree')
    expect(await refusal(asker, 'requestEntry', [opened(batch, 0), 6], open)).toBe('NoSuchLeaf')
    const foreign = at(batch.drafts, 1).request
    expect(await refusal(asker, 'requestPrompt', [opened(batch, 0), foreign, 0], open)).toBe('WrongRequest')
    await world.market('voidBatch', [batch.header, []])
    expect(await refusal(asker, 'requestReceipt', [batch.header, 0], open)).toBe('BatchIsVoid')
    const { proposed } = await epoch(2)
    const forged = { ...proposed.record, bond: 1n }
    expect(await refusal(asker, 'requestCredit', [forged, 0], open)).toBe('UnknownEpoch')
    expect(await refusal(asker, 'requestPayout', [proposed.record, 2], open)).toBe('NoSuchLeaf')
  })

  test('without its price, twice, or after a third of the window', async () => {
    const batch = await commit(plans)
    const least = await price(receiptDemand(batch, 0))
    expect(await refusal(asker, 'requestReceipt', [batch.header, 0], least - 1n)).toBe('PrepaidTooSmall')
    world.chain.evm.baseFee *= 2n
    expect(await refusal(asker, 'requestReceipt', [batch.header, 0], least)).toBe('PrepaidTooSmall')
    world.chain.evm.timestamp = start + window / 3n - 1n
    await send(asker, 'requestReceipt', [batch.header, 0], 2n * least)
    expect(await refusal(asker, 'requestReceipt', [batch.header, 0], 2n * least)).toBe('AlreadyRequested')
    world.chain.evm.timestamp += 1n
    expect(await refusal(asker, 'requestReceipt', [batch.header, 1], 2n * least)).toBe('RequestsClosed')
  })
})

describe('an answer is refused', () => {
  test('that does not show the very leaf', async () => {
    const batch = await commit(plans)
    const demand = receiptDemand(batch, 1)
    const right = served(batch, 1)
    expect(await refusal(worker, 'serveReceipt', [demand, right])).toBe('NotRequested')
    await send(asker, 'requestReceipt', [batch.header, 1], open)
    const cases = [
      ['NotInTree', { ...right, sums: right.sums.map((sum, i) => (i === 0 ? sum + 1n : sum)) }],
      ['NotInTree', { ...right, receipt: { ...right.receipt, tin: 6 } }],
      ['NotInTree', { ...right, payment: { ...right.payment, voucher: { ...right.payment.voucher, maxFee: 1n } } }],
      ['NotInTree', { ...right, payment: { ...right.payment, cut: true } }],
      ['NotInTree', { ...right, onChain: true }],
      ['WrongRequest', { ...right, request: { ...right.request, nonce: 99n } }],
      ['WrongSiblings', { ...right, siblings: '0x' }],
    ] as const
    for (const [cause, wrong] of cases) expect(await refusal(worker, 'serveReceipt', [demand, wrong])).toBe(cause)
    expect(await refusal(worker, 'serveReceipt', [demand, served(batch, 0)])).toBe('NotInTree')
    const draft = at(batch.drafts, 1)
    const entry = { entry: { index: 1, ...at(draft.entries, 1) }, sums: [0n, 0n, 0n, 0n], siblings: '0x' }
    expect(await refusal(worker, 'serveEntry', [demand, entry])).toBe('WrongKind')
    expect(await refusal(worker, 'serveTokens', [demand, '0x', []])).toBe('WrongKind')
    await send(worker, 'serveReceipt', [demand, right])
    expect(await refusal(worker, 'serveReceipt', [demand, right])).toBe('NotRequested')
  })

  test('that shows another index of the right tree', async () => {
    const { proposed } = await epoch(4)
    const { creditsRoot, payoutRoot } = proposed.record.header
    const credit = epochDemand(proposed, kinds.credit, creditsRoot, 4, 2)
    await send(asker, 'requestCredit', [proposed.record, 2], open)
    const leaf = [{ index: 1, ...at(proposed.credits, 1) }, siblingsOf(proposed.creditsTree, 1)]
    expect(await refusal(worker, 'serveCredit', [credit, ...leaf])).toBe('WrongIndex')
    const payout = epochDemand(proposed, kinds.payout, payoutRoot, 4, 2)
    await send(asker, 'requestPayout', [proposed.record, 2], open)
    const other = [{ index: 3, ...at(proposed.payouts, 3) }, siblingsOf(proposed.payoutTree, 3)]
    expect(await refusal(worker, 'servePayout', [payout, ...other])).toBe('WrongIndex')
  })

  test('that comes later than an eighth of the window after its question, of a receipt', async () => {
    const batch = await commit(plans)
    const demand = receiptDemand(batch, 0)
    world.chain.advance(100)
    await send(asker, 'requestReceipt', [batch.header, 0], open)
    world.chain.evm.timestamp = start + 100n + window / 8n
    expect(await refusal(worker, 'serveReceipt', [demand, served(batch, 0)])).toBe('AnswerLate')
    world.chain.evm.timestamp -= 1n
    await send(worker, 'serveReceipt', [demand, served(batch, 0)])
  })

  test('that comes after two thirds of the window, of a leaf that tells nothing to ask next', async () => {
    const batch = await commit(plans)
    const { events } = await send(asker, 'requestEntry', [opened(batch, 0), 1], open)
    expect(events.find(({ name }) => name === 'DataRequested')?.args['dueAt']).toBe(start + (window * 2n) / 3n)
  })

  test('too late to ask on: five rounds and more of questions about an epoch fit before questions close', async () => {
    const { proposed } = await epoch(16)
    const proposedAt = world.chain.now
    let rounds = 0
    for (; world.chain.now < proposedAt + window / 3n; rounds++) {
      const { events } = await send(asker, 'requestCredit', [proposed.record, rounds], open)
      const dueAt = events.find(({ name }) => name === 'DataRequested')?.args['dueAt'] as bigint
      // A proposer that answers at the last moment, each time.
      world.chain.evm.timestamp = dueAt - 1n
      const { creditsRoot } = proposed.record.header
      const leaf = [{ index: rounds, ...at(proposed.credits, rounds) }, siblingsOf(proposed.creditsTree, rounds)]
      await send(worker, 'serveCredit', [epochDemand(proposed, kinds.credit, creditsRoot, 16, rounds), ...leaf])
    }
    expect(rounds).toBe(6)
    expect(world.chain.now).toBeLessThan(proposedAt + (window * 2n) / 3n)
  })

  test('of tokens, by any of its faults; every leaf of every list can be shown', async () => {
    const random = new Random(5)
    const judge = (demand: Demand, tokens: Hex, siblings: readonly Hex[]) =>
      world.chain.send(worker, 'AnswerJudge', 'serveTokens', [demand, tokens, siblings])
    for (const count of [1, 31, 32, 33, 64, 65, 96, 97, 160, 161, 300]) {
      const list = Uint32Array.from({ length: count }, () => random.int(2 ** 32))
      for (let index = 0; index * 32 < count; index++) {
        const { root, tokens, siblings } = tokenProof(list, index)
        const demand = { kind: kinds.output, subject: zeroHash, root, count, index }
        await judge(demand, tokens, siblings)
        const flipped = `${tokens.slice(0, -1)}${tokens.endsWith('0') ? '1' : '0'}` as Hex
        await expect(judge(demand, flipped, siblings)).rejects.toThrow('WrongTokens')
        await expect(judge(demand, `${tokens}00000000`, siblings)).rejects.toThrow('WrongTokenBytes')
        await expect(judge(demand, tokens, [...siblings, root])).rejects.toThrow('WrongTokenSiblings')
        if (siblings.length === 0) continue
        await expect(judge(demand, tokens, siblings.slice(1))).rejects.toThrow('WrongTokenSiblings')
      }
    }
  })
})

describe('silence', () => {
  test('voids the batch, slashes the worker for its live fees and gives every asker its wei back', async () => {
    const batch = await commit(plans, 1n, 7n)
    const segments = segmentsOf(batch.drafts)
    const second = world.chain.actor('second')
    const before = [asker, second].map((each) => world.chain.balance(each))
    await send(asker, 'requestReceipt', [batch.header, 0], open)
    await send(second, 'requestEntry', [opened(batch, 0), 1], open)
    expect(await holds(1n)).toBe(2n)
    const missing = (demand: Demand, list: unknown[] = segments, header = batch.header) =>
      ['batchDataMissing', [demand, header, list]] as const
    const demand = receiptDemand(batch, 0)
    world.chain.evm.timestamp = start + window / 8n - 1n
    expect(await refusal(second, ...mutable(missing(demand)))).toBe('AnswerNotDue')
    world.chain.evm.timestamp += 1n
    expect(await refusal(second, ...mutable(missing(receiptDemand(batch, 1))))).toBe('NotRequested')
    expect(await refusal(second, ...mutable(missing(demand, segments, { ...batch.header, class: 3 })))).toBe(
      'WrongSubject',
    )

    const { events } = await send(second, ...mutable(missing(demand)))
    expect(events.map(({ name }) => name)).toEqual(expect.arrayContaining(['DataMissing', 'Called']))
    const slash = events.find(({ name }) => name === 'Called')?.args['data'] as Hex
    const fees = (batch.header.sums[0] ?? 0n) - 7n
    expect(slash.slice(10)).toBe(
      [worker.address, uintHex(dataWithheld), uintHex(fees), asker.address].map(word).join(''),
    )
    expect(await world.market('isBatchVoid', [1n])).toBe(true)

    const entry = demandOf(batch, kinds.entry, at(batch.drafts, 0).receipt.attrRoot, 6, 1)
    const dropped = await send(asker, ...mutable(missing(entry, [])))
    expect(dropped.events).toMatchObject([{ name: 'DataRequestDropped', args: { number: 1n } }])
    expect([asker, second].map((each) => world.chain.balance(each))).toEqual(before)
    expect([await holds(1n), world.chain.balance(ledger)]).toEqual([0n, 0n])
  })

  test('on a batch that was voided meanwhile costs its worker nothing more', async () => {
    const batch = await commit(plans)
    await send(asker, 'requestReceipt', [batch.header, 2], open)
    await world.market('voidBatch', [batch.header, []])
    const { events } = await send(asker, 'batchDataMissing', [receiptDemand(batch, 2), batch.header, []])
    expect(events.map(({ name }) => name)).toEqual(['DataRequestDropped'])
    expect(world.chain.balance(ledger)).toBe(0n)
  })

  test('reverts the epoch: half of its bond to who asked, half burned, other askers get theirs back', async () => {
    const { proposed } = await epoch(4)
    const { creditsRoot, payoutRoot } = proposed.record.header
    const second = world.chain.actor('second')
    const before = [asker, second].map((each) => world.chain.balance(each))
    const supply = world.chain.supply()
    await send(asker, 'requestCredit', [proposed.record, 0], open)
    await send(second, 'requestPayout', [proposed.record, 3], open)
    const credit = epochDemand(proposed, kinds.credit, creditsRoot, 4, 0)
    expect(await refusal(second, 'epochDataMissing', [credit, proposed.record])).toBe('AnswerNotDue')
    // Nobody reports it before the window is over: the epoch waits all the same.
    world.chain.advance(2n * window)
    await expect(world.finalize(proposed, undefined)).rejects.toThrow('DataOutstanding')
    const other = { ...proposed.record, bond: 5n }
    expect(await refusal(second, 'epochDataMissing', [credit, other])).toBe('WrongSubject')
    const { events } = await send(second, 'epochDataMissing', [credit, proposed.record])
    expect(events.map(({ name }) => name)).toEqual(expect.arrayContaining(['DataMissing', 'EpochReverted', 'Burned']))
    const payout = epochDemand(proposed, kinds.payout, payoutRoot, 4, 3)
    const dropped = await send(asker, 'epochDataMissing', [payout, proposed.record])
    expect(dropped.events).toMatchObject([{ name: 'DataRequestDropped', args: { number: 1n } }])
    expect([asker, second].map((each) => world.chain.balance(each))).toEqual([at(before, 0) + open / 2n, at(before, 1)])
    expect([world.chain.balance(ledger), world.chain.supply()]).toEqual([0n, supply])
    expect(await world.chain.read('AttributionLedger', 'lastEpoch')).toBe(0n)
  })

  test('on an epoch that was reverted meanwhile hurts no epoch that took its place', async () => {
    const { proposed } = await epoch(2)
    await send(asker, 'requestCredit', [proposed.record, 0], open)
    await send(disputeGame, 'revertEpoch', [proposed.record, asker.address])
    world.chain.advance(10n)
    const again = (await world.propose(credits(2), undefined)).proposed
    const demand = epochDemand(proposed, kinds.credit, proposed.record.header.creditsRoot, 2, 0)
    const { events } = await send(asker, 'epochDataMissing', [demand, proposed.record])
    expect(events.map(({ name }) => name)).toEqual(['DataRequestDropped'])
    world.chain.advance(window)
    await world.finalize(again, undefined)
    expect(world.chain.balance(ledger)).toBe(0n)
  })
})

const credits = (count: number) =>
  Array.from({ length: count }, (_, i): [Hex, bigint] => [bytesToHex(uintBytes(i + 0xccc0000, 20)), BigInt(i + 1)])

async function epoch(count: number): Promise<{ proposed: Proposed }> {
  await world.mature(count, BigInt(count * (count + 1)))
  return await world.propose(credits(count), undefined, { by: attributor })
}

function epochDemand({ record }: Proposed, kind: number, root: Hex, count: number, index: number): Demand {
  return { kind, subject: bytesToHex(epochRecordHash(record)), root, count, index }
}

/** 1.5 times the answer's cost, which its leaf's size moves a little. */
function expectFair(prepaid: bigint, gas: bigint): void {
  const cost = gas * world.chain.evm.baseFee
  expect(Number((prepaid * 1000n) / cost) / 1000).toBeGreaterThanOrEqual(1.5)
  expect(Number((prepaid * 1000n) / cost) / 1000).toBeLessThan(2.5)
}

const uintHex = (value: bigint | number): Hex => bytesToHex(uintBytes(value, 32))
const word = (hex: Hex) => hex.slice(2).toLowerCase().padStart(64, '0')
const mutable = ([name, args]: readonly [string, readonly unknown[]]): [string, unknown[]] => [name, [...args]]
const checksummed = (actor: Actor) => expect.stringMatching(new RegExp(`^${actor.address}$`, 'i'))
