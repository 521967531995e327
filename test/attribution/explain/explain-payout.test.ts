import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type EpochReceipt, explainPayout } from '../../../attribution/explain/explain-payout.ts'
import { explainReceipt } from '../../../attribution/explain/explain-receipt.ts'
import { isEqual } from '../../../attribution/explain/figure.ts'
import { formatPayoutId, parsePayoutId, parseReceiptPlace } from '../../../attribution/explain/payout-id.ts'
import { entryClasses } from '../../../protocol/attribution-entry.ts'
import { type Hex, zeroHash } from '../../../protocol/bytes.ts'
import { amountOf, defaultShares, feeOf, splitFee } from '../../../protocol/fee.ts'
import { largestRemainder } from '../../../protocol/largest-remainder.ts'

const payee: Hex = `0x${'ab'.repeat(20)}`
const other: Hex = `0x${'cd'.repeat(20)}`
const price = { rin: 3n * 10n ** 15n + 7n, rout: 6n * 10n ** 15n + 1n }

/** A right receipt whose contributors' pool goes to `parts` contributions, every other one the payee's. */
const receiptOf = (number: number, tin: number, tout: number, parts: readonly number[]): EpochReceipt => {
  const fee = feeOf(tin, tout, price, defaultShares)
  const weights = largestRemainder(parts.map(BigInt), 1_000_000)
  const entry = (kind: number, id: number, weight: number, to: Hex) => ({
    ...{ class: kind, id: BigInt(id), weight: BigInt(weight), payee: to, evidenceHash: zeroHash },
  })
  return {
    ...{ number, batchId: 1n, index: number, requestId: zeroHash, tin, tout, fee, price, shares: defaultShares },
    parts: splitFee(fee, defaultShares, false),
    entries: [
      entry(entryClasses.M, 0, 1_000_000, other),
      entry(entryClasses.W, 0, 1_000_000, payee),
      ...weights.map((weight, i) => entry(entryClasses.S, i + 1, weight, i % 2 === 0 ? payee : other)),
    ],
  }
}

const receipts = fc
  .array(
    fc.tuple(
      fc.nat(100_000),
      fc.nat(5_000),
      fc.array(fc.integer({ min: 1, max: 10 ** 6 }), { minLength: 1, maxLength: 6 }),
    ),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  .map((list) => list.map(([tin, tout, parts], i) => receiptOf(i, tin, tout, parts)))

/** What an epoch credits for them, by the rule as MONEY §4 states it. */
const creditsOf = (list: readonly EpochReceipt[]) =>
  list.flatMap(({ number, entries, parts }) =>
    entries.flatMap((entry, k) => {
      const pool =
        entry.class === entryClasses.M
          ? parts.model
          : entry.class === entryClasses.W
            ? parts.worker
            : parts.contributors
      return entry.payee === payee ? [{ payee, receipt: number, entry: k, amount: amountOf(pool, entry.weight) }] : []
    }),
  )

const factsOf = (list: readonly EpochReceipt[], before = 5n) => {
  const credits = creditsOf(list)
  const earned = credits.reduce((sum, { amount }) => sum + amount, 0n)
  return { id: { epoch: 3n, payee }, before, cumulative: before + earned, credits, receipts: list }
}

test('a right payout has no difference and the sum of its classes is the whole', () => {
  fc.assert(
    fc.property(receipts, (list) => {
      const facts = factsOf(list)
      const { amount, differences } = explainPayout(facts)
      expect(differences).toEqual([])
      expect(amount).toBe(facts.cumulative - facts.before)
      const ofClasses = (['W', 'S', 'M'] as const).map(
        (kind) => explainPayout({ ...facts, id: { ...facts.id, class: kind } }).amount,
      )
      expect(ofClasses.reduce((a, b) => a + b)).toBe(amount)
    }),
  )
})

test('a wei more or less anywhere on chain is a difference', () => {
  fc.assert(
    fc.property(receipts, fc.nat(), fc.constantFrom(1n, -1n), (list, at, wei) => {
      const facts = factsOf(list)
      expect(explainPayout({ ...facts, cumulative: facts.cumulative + wei }).differences.length).toBe(1)
      const credits = facts.credits.map((credit, i) =>
        i === at % facts.credits.length ? { ...credit, amount: credit.amount + wei } : credit,
      )
      expect(explainPayout({ ...facts, credits }).differences.length).toBe(2)
      expect(explainPayout({ ...facts, credits: facts.credits.slice(1) }).differences.length).toBeGreaterThanOrEqual(2)
      const wrong = list.map((receipt, i) => (i === 0 ? { ...receipt, fee: receipt.fee + wei } : receipt))
      expect(explainPayout({ ...facts, receipts: wrong }).differences).toHaveLength(1)
    }),
  )
})

test('each part of a fee and each pool has a figure, and a wrong part is told by name', () => {
  const receipt = receiptOf(0, 100, 50, [1, 2])
  const names = explainReceipt(receipt).map(({ name }) => name)
  expect(names).toEqual([
    ...['fee', 'platform', 'model', 'stakers', 'worker', 'builder', 'contributors'],
    ...['weights of model', 'weights of worker', 'weights of contributors'],
  ])
  const parts = { ...receipt.parts, stakers: receipt.parts.stakers + 1n }
  expect(
    explainReceipt({ ...receipt, parts })
      .filter((figure) => !isEqual(figure))
      .map(({ name }) => name),
  ).toEqual(['stakers'])
  const entries = receipt.entries.map((entry) =>
    entry.class === entryClasses.S ? { ...entry, weight: entry.weight + 1n } : entry,
  )
  const wrong = explainReceipt({ ...receipt, entries }).filter((figure) => !isEqual(figure))
  expect(wrong.map(({ name, onChain }) => [name, onChain])).toEqual([['weights of contributors', 1_000_002n]])
})

test('a receipt whose price is not there is INCOMPLETE', () => {
  const facts = factsOf([{ ...receiptOf(0, 10, 10, [1]), price: undefined }])
  expect(explainPayout(facts).differences).toEqual(['receipt 1:0: INCOMPLETE, the chain has not its price'])
})

test('ids of payouts and receipts are read as they are written, and nothing else is', () => {
  const id = { epoch: 12n, payee, class: 'S' as const }
  expect(parsePayoutId(formatPayoutId(id))).toEqual(id)
  expect(parsePayoutId(`12:0x${'AB'.repeat(20)}`)).toEqual({ epoch: 12n, payee })
  expect(parseReceiptPlace('3:0')).toEqual({ batchId: 3n, index: 0 })
  const wrong = ['', '1', `x:${payee}`, `1:${payee}:B`, `1:${payee}:SS`, `1:${payee.slice(0, -1)}`, `1:${payee} `]
  expect(wrong.map(parsePayoutId)).toEqual(wrong.map(() => undefined))
  expect(['3', '3:', ':0', '3:x', '3:0:0'].map(parseReceiptPlace)).toEqual(Array(5).fill(undefined))
})

test('of a model without indexes the units’ weights are those that it was trained by, less what influences have', () => {
  const [plain] = [receiptOf(0, 100, 50, [1])]
  const units = (weights: readonly (readonly [bigint, bigint])[], influences: bigint) => ({
    ...plain,
    trainedOn: [
      { datanet: 4n, weightBps: 2_500 },
      { datanet: 2n, weightBps: 7_500 },
    ],
    entries: [
      ...plain.entries.filter((entry) => entry.class < entryClasses.S),
      ...(influences > 0n ? [{ ...plain.entries[0], class: entryClasses.G, id: 9n, weight: influences }] : []),
      ...weights.map(([id, weight]) => ({ ...plain.entries[0], class: entryClasses.U, id, weight })),
    ] as EpochReceipt['entries'],
  })
  const ofUnits = (receipt: EpochReceipt) =>
    explainReceipt(receipt)
      .filter(({ name }) => name.startsWith('weight of U'))
      .map(({ name, recomputed, onChain }) => [name, recomputed, onChain])
  expect(
    ofUnits(
      units(
        [
          [2n, 750_000n],
          [4n, 250_000n],
        ],
        0n,
      ),
    ),
  ).toEqual([
    ['weight of U 2', 750_000n, 750_000n],
    ['weight of U 4', 250_000n, 250_000n],
  ])
  expect(ofUnits(units([[2n, 700_000n]], 300_000n))).toEqual([
    ['weight of U 2', 525_000n, 700_000n],
    ['weight of U 4', 175_000n, 0n],
  ])
  expect(ofUnits(plain)).toEqual([])
})
