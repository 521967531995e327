import { encodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import { batchFileOf, encodeRows } from '../../attribution/epochs/batch-rows.ts'
import { encodeEpochFile } from '../../attribution/epochs/epoch-file.ts'
import type { ContentStore } from '../../common/content-store.ts'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import type { BuiltBatch, BuiltEpoch, BuiltReceipt, Plan } from './money-batch.ts'
import { type Actor, MoneyChain } from './money-chain.ts'
import { MoneyWorld } from './money-world.ts'
import { RecordedChain } from './recorded-chain.ts'
import { standingModel } from './standing-model.ts'
import type { IndexWorld } from './test-index.ts'

/** A money world that an index watches, whose batches and epochs name data files in a content store. */
export class FiledWorld extends MoneyWorld {
  readonly files: ContentStore
  readonly recorded: RecordedChain

  static async watchedBy(index: IndexWorld, files: ContentStore = index.content): Promise<FiledWorld> {
    const chain = await MoneyChain.create()
    const recorded = new RecordedChain(chain, index.chain)
    const { terms, royaltyRows } = await standingModel(chain)
    return new FiledWorld(chain, terms, royaltyRows, files, recorded)
  }

  private constructor(
    chain: MoneyChain,
    terms: MoneyWorld['terms'],
    royaltyRows: MoneyWorld['royaltyRows'],
    files: ContentStore,
    recorded: RecordedChain,
  ) {
    super(chain, terms, royaltyRows)
    this.files = files
    this.recorded = recorded
  }

  override build(worker: Actor, plans: readonly Plan[]): BuiltBatch {
    const built = super.build(worker, plans)
    const dataHash = this.files.put(encodeBatchFile(batchFileOf(built.receipts.map(batchReceipt))))
    return { ...built, input: { ...built.input, dataHash } }
  }

  override epochHeader(built: BuiltEpoch, lastBatch: bigint): EpochHeader {
    const header = super.epochHeader(built, lastBatch)
    const { epoch, parentRoot, firstBatch } = header
    const file = { credits: encodeRows(credit, built.credits), payouts: encodeRows(payout, built.payouts) }
    const dataHash = this.files.put(encodeEpochFile({ epoch, parentRoot, firstBatch, lastBatch, ...file }))
    return { ...header, dataHash }
  }

  /** Mines all that happened, and a block behind it. */
  show(): void {
    this.chain.advance(2)
    this.recorded.show()
  }
}

const credit = [
  ['payee', 'b20'],
  ['receipt', 'u32'],
  ['entry', 'u32'],
  ['amount', 'u128'],
] as const
const payout = [
  ['payee', 'b20'],
  ['cumulative', 'u128'],
] as const

function batchReceipt({ receipt, sums, request, voucher, signature, entries }: BuiltReceipt) {
  return {
    ...{ receipt, sums, request },
    payment: { voucher: { value: voucher, signature: signature.bytes } },
    entries: entries.map((entry) => ({ ...entry, weight: BigInt(entry.weight) })),
    prompt: new Uint32Array(receipt.tin),
    output: new Uint32Array(receipt.tout),
  }
}
