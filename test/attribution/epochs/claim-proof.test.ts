import { expect, test } from 'vitest'
import { claimOf, claimOpens } from '../../../attribution/epochs/claim-proof.ts'
import { payoutAt, payoutTree } from '../../../attribution/epochs/epoch-rows.ts'
import { bytesToHex, concatBytes, hexToBytes, uintBytes } from '../../../protocol/bytes.ts'
import { payeeOf } from '../../fakes/epoch-batches.ts'
import { openPayout } from '../../fakes/epoch-judge.ts'

const count = 13
const rows = concatBytes(
  ...Array.from({ length: count }, (_, i) => payeeOf(i + 1))
    .sort()
    .map((payee, i) => concatBytes(hexToBytes(payee), uintBytes(i * 10, 16))),
)
const payouts = { rows, tree: payoutTree(rows) }

test('every payee has a claim that opens the payout root, and nobody else has one', () => {
  for (let i = 0; i < count; i++) {
    const { payee, cumulative } = payoutAt(rows, i)
    const claim = claimOf(3n, payouts, payee)
    if (claim === undefined) throw new Error(`no claim of ${payee}`)
    expect(claim).toMatchObject({ epoch: 3n, index: i, count, cumulative })
    const payout = { index: claim.index, payee, cumulative: claim.cumulative }
    openPayout(bytesToHex(payouts.tree.root), claim.count, { payout, siblings: claim.siblings })
  }
  for (const stranger of [`0x${'00'.repeat(20)}`, `0x${'ff'.repeat(20)}`, payeeOf(count + 1)] as const) {
    expect(claimOf(3n, payouts, stranger)).toBeUndefined()
  }
})

test('a claim opens its root for its payee alone, as it stands', () => {
  const root = bytesToHex(payouts.tree.root)
  for (let i = 0; i < count; i++) {
    const { payee } = payoutAt(rows, i)
    const claim = claimOf(3n, payouts, payee) ?? unreachable()
    const bytes = hexToBytes(claim.siblings)
    const spoilt = bytes.map((byte, at) => (at === i * 13 ? byte ^ 1 : byte))
    expect(claimOpens(root, payee, claim)).toBe(true)
    const wrong = [
      { ...claim, cumulative: claim.cumulative + 1n },
      { ...claim, index: (i + 1) % count },
      { ...claim, index: i + 16 },
      { ...claim, count: count + 1 },
      { ...claim, count: 0 },
      { ...claim, siblings: bytesToHex(spoilt) },
      { ...claim, siblings: bytesToHex(bytes.subarray(48)) },
    ]
    expect(wrong.filter((each) => claimOpens(root, payee, each))).toEqual([])
    expect(claimOpens(root, payeeOf(count + 1), claim)).toBe(false)
    expect(claimOpens(`0x${'00'.repeat(32)}`, payee, claim)).toBe(false)
  }
})

function unreachable(): never {
  throw new Error('no claim')
}
