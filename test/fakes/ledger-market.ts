import { encodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import { batchFileOf } from '../../attribution/epochs/batch-rows.ts'
import type { MoneyContract } from '../../chain/ledger/money-contracts.ts'
import { type AttributionEntry, entryClasses } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import { weightTotal } from '../../protocol/fee.ts'
import { type RoyaltyRow, royaltyKinds, royaltyWeight } from '../../protocol/royalty-vector.ts'
import type { AccountName } from './ledger-chain.ts'
import { type BuiltBatch, buildBatch, type Plan, type Terms } from './money-batch.ts'
import type { Actor, MoneyChain } from './money-chain.ts'
import { unitsOf } from './money-world.ts'
import { stake, standingModel } from './standing-model.ts'

/** A chain with accounts whose transactions are mined when `send` resolves. */
export type MarketChain = {
  /** Unix time in seconds of the block about to be built. */
  readonly now: bigint
  readonly actor: (name: AccountName) => Actor
  readonly send: (
    from: Actor,
    contract: MoneyContract,
    functionName: string,
    args?: readonly unknown[],
    options?: { readonly value?: bigint },
  ) => Promise<{ readonly result: unknown }>
}

/** What a test does to a chain to have batches on it: a model with a price, a staked worker, payers with channels. */
export class LedgerMarket {
  readonly chain: MarketChain
  readonly terms: Terms
  readonly royaltyRows: readonly RoyaltyRow[]
  readonly #spent = new Map<Hex, bigint>()
  #nonce = 0n

  private constructor(chain: MarketChain, terms: Terms, royaltyRows: readonly RoyaltyRow[]) {
    this.chain = chain
    this.terms = terms
    this.royaltyRows = royaltyRows
  }

  static async open(chain: MarketChain): Promise<LedgerMarket> {
    // Both have the calls that these take.
    const like = chain as unknown as MoneyChain
    const { terms, royaltyRows } = await standingModel(like, true)
    const worker = chain.actor('worker')
    await stake(like, worker)
    await chain.send(chain.actor('alice'), 'InferenceMarket', 'deposit', [worker.address], { value: 50n * 10n ** 18n })
    return new LedgerMarket(chain, terms, royaltyRows)
  }

  /** A batch of so many receipts of alice's with its file, whose hash the batch names. */
  build(
    receipts: number,
    tokens: { readonly tin: number; readonly tout: number } = { tin: 100, tout: 50 },
  ): { readonly built: BuiltBatch; readonly file: Uint8Array } {
    const [alice, worker] = [this.chain.actor('alice'), this.chain.actor('worker')]
    const plans = Array.from({ length: receipts }, () => this.#plan(alice, worker, tokens))
    const spent = (channel: Hex) => this.#spent.get(channel) ?? 0n
    const built = buildBatch(worker, plans, this.terms, spent, this.chain.now + 600n)
    for (const { channel, fee } of built.segments) this.#spent.set(channel, spent(channel) + fee)
    const file = fileOf(built)
    return { built: { ...built, input: { ...built.input, dataHash: contentHash(file) } }, file }
  }

  async commit({ built }: { readonly built: BuiltBatch }): Promise<bigint> {
    const worker = this.chain.actor('worker')
    const { result } = await this.chain.send(worker, 'InferenceMarket', 'commitBatch', [built.input, built.segments])
    return result as bigint
  }

  #plan(payer: Actor, worker: Actor, tokens: { readonly tin: number; readonly tout: number }): Plan {
    const model = this.royaltyRows.map(
      (row, i): AttributionEntry => ({
        payee: row.kind === royaltyKinds.model ? this.chain.actor('model owner').address : row.id,
        ...{ id: BigInt(i), class: entryClasses.M, evidenceHash: zeroHash, weight: royaltyWeight(row) },
      }),
    )
    const own = { payee: worker.address, id: 0n, class: entryClasses.W, evidenceHash: zeroHash, weight: weightTotal }
    const deadline = this.chain.now + 86_400n
    return { payer, ...tokens, entries: [...model, own, unitsOf(1n)], nonce: this.#nonce++, deadline }
  }
}

/** The file that a worker publishes of a batch. */
export function fileOf({ receipts }: BuiltBatch): Uint8Array {
  return encodeBatchFile(
    batchFileOf(
      receipts.map(({ receipt, sums, request, voucher, signature, entries }) => ({
        ...{ receipt, sums, request },
        payment: { voucher: { value: voucher, signature: signature.bytes } },
        entries: entries.map((entry) => ({ ...entry, weight: BigInt(entry.weight) })),
        prompt: new Uint32Array(receipt.tin),
        output: new Uint32Array(receipt.tout),
      })),
    ),
  )
}
