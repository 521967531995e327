import fc from 'fast-check'
import { expect, test } from 'vitest'
import { claimOpens } from '../../../attribution/epochs/claim-proof.ts'
import { payoutTree } from '../../../attribution/epochs/epoch-rows.ts'
import { poolClaims } from '../../../attribution/epochs/pool-claims.ts'
import { poolPayee } from '../../../protocol/attribution-entry.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../../protocol/bytes.ts'

const pool = poolPayee(1, 3n)
/** Below and above the pool's address. */
const others: readonly Hex[] = [`0x${'11'.repeat(20)}`, `0x${'22'.repeat(20)}`, `0x${'ee'.repeat(20)}`]

/** Payouts of an epoch: some of the others, and the pool once something came. */
const payoutsOf = (present: readonly boolean[], cumulative: bigint | undefined) => {
  const all = others.flatMap((payee, i) => (present[i] === true ? [{ payee, cumulative: 9n }] : []))
  if (cumulative !== undefined) all.push({ payee: pool, cumulative })
  all.sort((a, b) => (a.payee < b.payee ? -1 : 1))
  const rows = concatBytes(...all.map((each) => concatBytes(hexToBytes(each.payee), uintBytes(each.cumulative, 16))))
  return { rows, tree: payoutTree(rows) }
}

test('a Datanet’s pool is brought what each epoch owes it, by proofs that the vault takes one after the other', async () => {
  const epoch = fc.record({
    income: fc.option(fc.bigInt(0n, 5n), { nil: undefined }),
    present: fc.tuple(fc.constant(true), fc.boolean(), fc.boolean()),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(epoch, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      async (list, most) => {
        let sum: bigint | undefined
        const incomes = list.map(({ income }) => {
          if (income !== undefined) sum = (sum ?? 0n) + income
          return sum
        })
        const epochs = list.map(({ present }, i) => payoutsOf(present, incomes[i]))
        const at = async (number: bigint) => epochs[Number(number) - 1] as (typeof epochs)[number]
        const [got, vault] = [new Map<bigint, bigint>(), { paid: 0n, epoch: 0n }]
        for (;;) {
          const { pass, claims } = await poolClaims(pool, vault, BigInt(list.length), at, most)
          if (pass !== undefined) {
            const [id, through, payees, proofs] = pass
            expect([id, vault.paid]).toEqual([3n, 0n])
            const { tree } = await at(through)
            for (const [i, proof] of proofs.entries()) {
              expect(claimOpens(bytesToHex(tree.root), payees[i] as Hex, proof)).toBe(true)
            }
            const [below, above] = [payees.filter((payee) => payee < pool), payees.filter((payee) => payee > pool)]
            expect(below.length + above.length).toBeGreaterThan(0)
            if (below.length === 0) expect(proofs[0]?.index).toBe(0)
            else if (above.length === 0) expect(proofs[0]?.index).toBe(tree.count - 1)
            else expect(proofs[1]?.index).toBe((proofs[0]?.index ?? 0) + 1)
            vault.epoch = through
          }
          if (claims.length === 0) break
          for (const claim of claims) {
            expect(claimOpens(bytesToHex((await at(claim.epoch)).tree.root), pool, claim)).toBe(true)
            if (claim.cumulative > vault.paid) {
              expect(claim.epoch).toBe(vault.epoch + 1n)
              got.set(claim.epoch, claim.cumulative - vault.paid)
            }
            ;[vault.paid, vault.epoch] = [claim.cumulative, claim.epoch]
          }
        }
        const wanted = list.flatMap(({ income }, i) => ((income ?? 0n) > 0n ? [[BigInt(i + 1), income]] : []))
        expect([...got]).toEqual(wanted)
      },
    ),
  )
})
