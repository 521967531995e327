import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { receiptRow } from '../../protocol/inference-receipt.ts'
import { type BatchHeader, type Segment, segmentsHash } from '../../protocol/receipt-batch.ts'
import { SumTree, sumRow } from '../../protocol/sum-tree.ts'
import { type BuiltReceipt, siblingsOf } from '../../test/fakes/money-batch.ts'
import { type Actor, open } from '../../test/fakes/money-chain.ts'
import { MoneyWorld } from '../../test/fakes/money-world.ts'
import { stake } from '../../test/fakes/standing-model.ts'

/** As MarketBatches limits them. */
const receipts = 1 << 16
const segments = 32

/**
 * Gas of the dearest challenges: of the largest batch, whose second receipt repeats the first and whose first segment pays
 * a wei of the second. One opens two receipts, the other voids the batch and refunds every channel; both slash.
 */
export async function worstChallenges(): Promise<Readonly<Record<string, number>>> {
  const world = await MoneyWorld.create()
  const { chain } = world
  const [worker, challenger] = [chain.actor('worker'), chain.actor('challenger')]
  await stake(chain, worker, 5_000n * open)
  const payers = Array.from({ length: segments }, (_, i) => chain.actor(`payer ${i}`))
  for (const payer of payers) await world.deposit(payer, worker, 50n * open)
  const built = payers.map((payer) => vouchersOf(world, payer, worker))
  const [first] = built as [BuiltReceipt, ...BuiltReceipt[]]
  const filler = sumRow(new Uint8Array(32).fill(0xef), first.sums)
  const own = receiptRow(first.receipt, first.paymentHash, first.sums)
  const rows = Array.from({ length: receipts }, (_, i) => (i < 2 ? own : filler))
  const tree = new SumTree(rows)
  const list = built.map((receipt, k): Segment => {
    const count = k === 0 ? 2 : k < segments - 1 ? 1 : receipts - segments
    const shift = k === 0 ? -1n : k === 1 ? 1n : 0n
    const { requestId, maxFee, cumulativeCap, deadline, channel } = receipt.voucher
    const { r, vs } = receipt.signature
    return {
      channel,
      count,
      fee: BigInt(count) * first.receipt.fee + shift,
      requestId,
      maxFee,
      cumulativeCap,
      deadline,
      r,
      vs,
    }
  })
  const input = {
    topHash: bytesToHex(tree.topHash),
    count: receipts,
    sums: first.sums.map((sum) => sum * BigInt(receipts)),
    class: world.terms.class,
    dataHash: `0x${'da'.repeat(32)}` as Hex,
  }
  const notAfter = chain.now
  const sent = await chain.send(worker, 'InferenceMarket', 'commitBatch', [{ ...input, notAfter }, list])
  const header: BatchHeader = {
    ...input,
    batchId: sent.result as bigint,
    worker: worker.address,
    committedAt: chain.now,
    l2Block: chain.blockNumber,
    receiptRoot: bytesToHex(tree.root),
    segmentsHash: bytesToHex(segmentsHash(list)),
  }
  const opened = (index: number) => ({
    header,
    index,
    receipt: first.receipt,
    paymentHash: bytesToHex(first.paymentHash),
    sums: first.sums,
    siblings: siblingsOf(tree, index),
  })
  const row = { hash: bytesToHex(filler.subarray(0, 32)), sums: first.sums, siblings: siblingsOf(tree, 2) }
  const gas = async (name: string, args: readonly unknown[]) =>
    Number((await (await chain.fork()).send(challenger, 'DisputeGame', name, args)).gas)
  return {
    duplicateRequest: await gas('duplicateRequest', [opened(1), list, opened(0)]),
    badSegment: await gas('badSegment', [header, list, 1n, row, row]),
  }
}

/** One receipt of a payer, whose voucher reaches far. */
function vouchersOf(world: MoneyWorld, payer: Actor, worker: Actor): BuiltReceipt {
  const plan = { ...world.plan(payer, worker, 1, 1), maxFee: 1_000n * open }
  return world.build(worker, [plan]).receipts[0] as BuiltReceipt
}
