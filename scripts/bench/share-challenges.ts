import { influencesOn } from '../../attribution/combined/attribute-v2.ts'
import { encodeScores, evidenceHashV2, evidenceHead, noParts } from '../../attribution/combined/evidence-v2.ts'
import { encodeRow, rowSiblings, tableRoot, tableSizeMax } from '../../attribution/combined/influence-table.ts'
import { type AttributionEntry, entryClasses, payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { algoHashV2 } from '../../protocol/attribution-rule.ts'
import { bytesToHex, zeroHash } from '../../protocol/bytes.ts'
import type { BuiltReceipt } from '../../test/fakes/money-batch.ts'
import { type Actor, open } from '../../test/fakes/money-chain.ts'
import { MoneyWorld } from '../../test/fakes/money-world.ts'
import { Random } from '../../test/fakes/random.ts'
import { randomTable } from '../../test/fakes/share-receipt.ts'
import { stake } from '../../test/fakes/standing-model.ts'
import { commitThousand, type SpanCost } from './span-challenges.ts'

const day = 86_400n
/** Sixteen times as many cost four hashes more. */
const tableRows = 255

/**
 * Gas of challenges to class G of one receipt among 1,000: a query of the most numbers, a table of 255 rows, one score that is a
 * product too large, and one row that is left out.
 */
export async function shareChallenges(): Promise<Readonly<Record<string, SpanCost>>> {
  const world = await MoneyWorld.create()
  const { chain } = world
  const [worker, payer, challenger, owner] = ['worker', 'payer', 'challenger', 'model owner'].map((name) =>
    chain.actor(name),
  ) as [Actor, Actor, Actor, Actor]
  await stake(chain, worker, 5_000n * open)
  const random = new Random(8)
  const ids = Array.from({ length: tableRows }, (_, i) => BigInt(0x1_0000 + i))
  const table = randomTable(random, ids, tableSizeMax)
  const registered = { root: tableRoot(table), size: table.size, rows: table.rows.length }
  const { modelVersion } = world.terms
  await chain.send(owner, 'SketchRegistry', 'register', [modelVersion, zeroHash, registered, []], {
    value: 100n * open,
  })
  chain.advance(day)
  await world.deposit(payer, worker, 50n * open)
  const query = Int8Array.from({ length: table.size }, () => random.int(255) - 127)
  const right = influencesOn(table.rows, query)
  const [first, ...others] = right as [(typeof right)[number], ...typeof right]
  const rowAt = (row: number) => ({
    number: row,
    leaf: bytesToHex(encodeRow(table.rows[row] as (typeof table.rows)[number])),
    siblings: rowSiblings(table, row),
  })
  const lies = [
    { name: 'badSketchScore', scores: [{ ...first, score: first.score + 1n }, ...others], rest: [0, rowAt(first.row)] },
    { name: 'omittedScore', scores: others, rest: [rowAt(first.row)] },
  ]
  const plan = { ...world.plan(payer, worker, 100, 200), maxFee: 1_000n * open }
  const [built] = world.build(worker, [plan]).receipts as [BuiltReceipt]
  const costs: Record<string, SpanCost> = {}
  for (const { name, scores, rest } of lies) {
    const parts = { ...noParts, query: new Uint8Array(query), scores: encodeScores(scores) }
    const forked = new MoneyWorld(await chain.fork(), world.terms, world.royaltyRows)
    const hash = evidenceHashV2(parts)
    const payee = poolPayee(payeePools.units, 1n)
    const units: AttributionEntry = { payee, id: 1n, class: entryClasses.U, evidenceHash: hash, weight: 1_000_000 }
    const list = forked.entries(worker, [units])
    const { batch, openedEntry } = await commitThousand(forked, worker, built, list, {
      algoHash: algoHashV2,
      indexSetHash: zeroHash,
    })
    const shown = { query: bytesToHex(parts.query), scores: bytesToHex(parts.scores) }
    const head = bytesToHex(evidenceHead(parts))
    const claim = { entry: openedEntry(list.length - 1), head, ...shown, request: built.request }
    const args = [...batch, claim, ...rest]
    const proof = await forked.chain.send(challenger, 'SketchJudge', name, args)
    const whole = await forked.chain.send(challenger, 'DisputeGame', name, args)
    costs[name] = { proof: Number(proof.gas), whole: Number(whole.gas) }
  }
  return costs
}
