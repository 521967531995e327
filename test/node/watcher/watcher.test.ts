import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answerOfBatch } from '../../../attribution/epochs/answer.ts'
import { decodeBatchFile, layouts, rowBytes } from '../../../attribution/epochs/batch-file.ts'
import type { BatchReceipt } from '../../../attribution/epochs/batch-rows.ts'
import { DataError } from '../../../attribution/epochs/data-error.ts'
import { offsetOf } from '../../../attribution/epochs/row-layout.ts'
import { batchState } from '../../../chain/ledger/batch-state.ts'
import { demandsOf, openDemands } from '../../../chain/ledger/demand-state.ts'
import { FormatError, type Hex } from '../../../protocol/bytes.ts'
import { type FileBatch, fileBatch, fileWith, withEntries } from '../../fakes/file-batch.ts'
import { at } from '../../fakes/proven-tree.ts'
import { Random } from '../../fakes/random.ts'
import { WatchedChain } from '../../fakes/watched-chain.ts'

const stranger: Hex = `0x${'5a'.repeat(20)}`
const window = 30

let world: WatchedChain
const hookMs = 60_000
beforeEach(async () => {
  world = await WatchedChain.open()
}, hookMs)
afterEach(async () => {
  await world.close()
}, hookMs)

/** What an honest worker would commit and publish. */
function honest(receipts: number): FileBatch {
  const { built, file } = world.market.build(receipts)
  const { class: proofClass, notAfter } = built.input as { class: number; notAfter: bigint }
  return fileBatch(file, built.segments, { class: proofClass, notAfter })
}

/** The same over a file that says something else. */
function over({ input, segments }: FileBatch, file: Uint8Array): FileBatch {
  return fileBatch(file, segments, termsOf({ input }))
}

function termsOf({ input }: Pick<FileBatch, 'input'>): { readonly class: number; readonly notAfter: bigint } {
  return { class: Number(input['class']), notAfter: input['notAfter'] as bigint }
}

async function commit({ input, segments }: FileBatch): Promise<bigint> {
  const worker = world.chain.actor('worker')
  return (await world.chain.send(worker, 'InferenceMarket', 'commitBatch', [input, segments])).result as bigint
}

async function state(batchId: bigint) {
  await world.follow()
  const found = batchState(world.book, batchId)
  if (found === undefined) throw new Error(`no batch ${batchId}`)
  return found
}

/** The worker answers what is open, as far as `file` has it. */
async function answer(file: Uint8Array): Promise<number> {
  await world.follow()
  let answered = 0
  for (const { demand, number } of openDemands(world.book)) {
    const call = answerOfBatch(demand, (await state(number)).header, file)
    if (call === undefined) continue
    const sent = world.chain.send(world.chain.actor('worker'), 'AttributionLedger', call.functionName, call.args)
    // What is not the leaf is refused.
    answered += await sent.then(
      () => 1,
      () => 0,
    )
  }
  return answered
}

/** Lets the watcher do what it has to until the batch can be mature. */
async function watch(file?: Uint8Array): Promise<void> {
  const end = world.chain.now + BigInt(window)
  while (world.chain.now < end) {
    await world.settle()
    const answered = file === undefined ? 0 : await answer(file)
    // A worker who is quick leaves time to ask again in the first third of the window.
    if (answered === 0) await world.pass(2)
  }
  await world.settle()
}

const lowered = (sums: readonly bigint[], ...places: readonly number[]) =>
  sums.map((sum, place) => (places.includes(place) ? sum - 1n : sum))
const moved = (sums: readonly bigint[], from: number, to: number) =>
  sums.map((sum, place) => (place === from ? sum - 1n : place === to ? sum + 1n : sum))

/** Corruptions of one receipt, committed as the file says, and the challenge that must void it. */
const corruptions: readonly (readonly [string, string, (one: BatchReceipt) => BatchReceipt])[] = [
  [
    'a wei too little',
    'badTerms',
    (one) => ({ ...one, receipt: { ...one.receipt, fee: one.receipt.fee - 1n }, sums: lowered(one.sums, 0, 9) }),
  ],
  ['a wei of the contributors to the worker', 'badTerms', (one) => ({ ...one, sums: moved(one.sums, 9, 7) })],
  [
    'another model’s indexes',
    'badTerms',
    (one) => ({ ...one, receipt: { ...one.receipt, indexSetHash: `0x${'11'.repeat(32)}` } }),
  ],
  ['another worker', 'badReceipt', (one) => ({ ...one, receipt: { ...one.receipt, worker: stranger } })],
  [
    'a voucher that nobody signed',
    'badPayment',
    (one) => ({
      ...one,
      payment: one.payment && { voucher: { ...one.payment.voucher, signature: new Uint8Array(64).fill(9) } },
    }),
  ],
  ['the worker’s share to a stranger', 'badEntry', (one) => withEntries(one, paid(one.entries, 1))],
  ['a royalty to a stranger', 'badRoyaltyEntry', (one) => withEntries(one, paid(one.entries, 0))],
  ['the contributors left out', 'badPools', (one) => withEntries(one, one.entries.slice(0, -1))],
  ['entries out of order', 'badEntryOrder', (one) => withEntries(one, one.entries.toReversed())],
]

function paid(entries: BatchReceipt['entries'], place: number): BatchReceipt['entries'] {
  return entries.map((entry, k) => (k === place ? { ...entry, payee: stranger } : entry))
}

describe('a running watcher', { timeout: 120_000 }, () => {
  test('leaves an honest batch alone, and costs nobody anything', async () => {
    const batch = honest(5)
    world.publish(batch.file)
    const id = await commit(batch)
    await watch()
    expect(await state(id)).toMatchObject({ isVoid: false, voided: [], holds: 0 })
    expect(world.sender.sent).toEqual([])
    expect(world.messages('warn')).toEqual([])
    expect(world.messages('info')).toEqual(['a batch is right'])
  })

  test('has every kind of wrong receipt voided, and its fee refunded once the batch is mature', async () => {
    const plain = honest(corruptions.length + 1)
    const file = fileWith(plain.file, (one, i) => corruptions[i - 1]?.[2](one) ?? one)
    const batch = over(plain, file)
    world.publish(file)
    const id = await commit(batch)
    await world.settle()
    expect((await state(id)).voided).toEqual(corruptions.map((_, i) => i + 1))
    const names = world.sender.sent.map(({ functionName }) => functionName)
    expect(names.toSorted()).toEqual(corruptions.map(([, name]) => name).toSorted())
    await watch()
    expect(world.sender.sent).toHaveLength(corruptions.length)
    const { header } = await state(id)
    await world.chain.send(world.chain.actor('bob'), 'InferenceMarket', 'matureBatches', [[header]])
    await world.settle()
    expect(world.sender.sent.at(-1)?.functionName).toBe('settleRefund')
    const channel = at(batch.segments, 0).channel
    expect(await world.chain.read('InferenceMarket', 'pendingRefundOf', [id, channel])).toBe(0n)
  })

  test('has a batch voided whose segments were charged wrong', async () => {
    const { built, file } = world.market.build(4)
    const [first] = built.segments
    if (first === undefined) throw new Error('no segment')
    // One channel in two segments: the fees of the first receipt stand in the second.
    const { class: proofClass, notAfter } = built.input as { class: number; notAfter: bigint }
    const halves = [
      { ...first, count: 1 },
      { ...first, count: 3 },
    ]
    const batch = fileBatch(file, halves, { class: proofClass, notAfter })
    const [one, two] = batch.segments
    if (one === undefined || two === undefined) throw new Error('no segments')
    world.publish(file)
    const id = await commit({
      ...batch,
      segments: [
        { ...one, fee: one.fee - 5n },
        { ...two, fee: two.fee + 5n },
      ],
    })
    await world.settle()
    expect(world.sender.sent.map(({ functionName }) => functionName)).toEqual(['badSegment'])
    expect((await state(id)).isVoid).toBe(true)
  })

  test('finds rows that hide in the padding by asking for the last receipt', async () => {
    // The payer's voucher covers four receipts; three are listed, and the fourth's row stands behind them.
    const four = honest(4)
    const leaves = fileBatch(four.file, four.segments, termsOf(four))
    const listed = fileWith(four.file, (one) => one, 3)
    const [segment] = four.segments
    if (segment === undefined) throw new Error('no segment')
    const batch = fileBatch(listed, [{ ...segment, count: 3 }], { ...termsOf(four), padding: [leaves.leaf(3)] })
    world.publish(listed)
    const id = await commit({ ...batch, segments: [{ ...segment, count: 3 }] })
    await watch()
    expect(world.sender.sent[0]).toMatchObject({ functionName: 'requestReceipt' })
    // The worker’s own file does not open the root that it committed: it cannot answer.
    expect(world.sender.sent.at(-1)).toMatchObject({ functionName: 'batchDataMissing' })
    expect((await state(id)).isVoid).toBe(true)
  })

  test('has a batch voided whose file nobody has and whose worker is silent', async () => {
    const batch = honest(6)
    const id = await commit(batch)
    await watch()
    const { isVoid } = await state(id)
    expect(isVoid).toBe(true)
    const demands = demandsOf(world.book, 'batch', id)
    expect(new Set(demands.map(({ outcome }) => outcome))).toEqual(new Set(['missing', 'dropped']))
    // What was prepaid comes back.
    expect(openDemands(world.book)).toEqual([])
  })

  test('is answered by an honest worker whose file is lost, who is paid for it and not harmed', async () => {
    const batch = honest(1)
    const id = await commit(batch)
    const before = await world.chain.balance(world.chain.actor('worker').address)
    await watch(batch.file)
    expect(await state(id)).toMatchObject({ isVoid: false, voided: [], holds: 0 })
    expect(demandsOf(world.book, 'batch', id).length).toBe(1 + 3 + 2)
    expect(await world.chain.balance(world.chain.actor('worker').address)).toBeGreaterThanOrEqual(before)
    expect(world.sender.sent.filter(({ functionName }) => functionName.startsWith('bad'))).toEqual([])
  })

  test('names a request that an earlier batch settled, the earlier one found in its file', async () => {
    const first = honest(3)
    world.publish(first.file)
    await commit(first)
    await world.settle()
    // The last voucher of the channel covers what the receipts of the first batch cost once more.
    const second = over(honest(3), first.file)
    const id = await commit(second)
    await world.settle()
    expect(world.sender.sent.map(({ functionName }) => functionName)).toEqual(Array(3).fill('duplicateRequest'))
    expect((await state(id)).voided).toEqual([0, 1, 2])
    expect((await state(1n)).voided).toEqual([])
  })
})

/** Fields of a receipt that no rule of the chain fixes. */
const free = new Set(['traceRoot', 'proofHash'])

/** The byte stands in one of them, or in a list of tokens that the worker can show another copy of. */
function isFree(file: Uint8Array, place: number): boolean {
  const { receipts, tokens } = decodeBatchFile(file)
  if (place >= file.length - tokens.length) return true
  const inReceipts = place - 12
  if (inReceipts < 0 || inReceipts >= receipts.length) return false
  const offset = inReceipts % rowBytes.receipts
  return layouts.receipts.some(
    ([name]) =>
      free.has(name) && offset >= offsetOf(layouts.receipts, name) && offset < offsetOf(layouts.receipts, name) + 32,
  )
}

/** Batches of the trial below. */
const trials = 3 * Number(process.env['OPENLEDGER_FUZZ'] ?? 1)

test('of batches over files with a random byte changed, no harmful one lives to be mature', {
  timeout: 60_000 * trials,
}, async () => {
  const random = new Random(Number(process.env['SEED'] ?? 1))
  const ends = { refused: 0, void: 0, free: 0 }
  while (ends.void + ends.free < trials) {
    const plain = honest(1 + random.int(3))
    const file = plain.file.slice()
    const place = random.int(file.length)
    file[place] = at([...file], place) ^ (1 << random.int(8))
    const batch = tried(() => over(plain, file))
    const id = batch && (await commit(batch).catch(() => undefined))
    if (id === undefined) {
      // No file, or no batch that the market takes.
      ends.refused++
      continue
    }
    world.publish(file)
    await watch(file)
    const { isVoid, voided } = await state(id)
    if (!isVoid && voided.length === 0) {
      expect([place, isFree(plain.file, place)]).toEqual([place, true])
      ends.free++
      continue
    }
    ends.void++
    // The worker is in jail now.
    world = await fresh(world)
  }
  expect(ends.void).toBeGreaterThan(trials / 3)
})

/** Undefined where the file is none. */
function tried(batchOf: () => FileBatch): FileBatch | undefined {
  try {
    return batchOf()
  } catch (error) {
    if (error instanceof DataError || error instanceof FormatError) return undefined
    throw error
  }
}

async function fresh(old: WatchedChain): Promise<WatchedChain> {
  await old.close()
  return await WatchedChain.open()
}
