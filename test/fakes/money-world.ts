import { devPreset } from '../../genesis/presets.ts'
import { type AttributionEntry, entryClasses, payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { type EpochRecord, type EpochState, epochStateOf, noEpoch, type Totals } from '../../protocol/epoch-record.ts'
import { weightTotal } from '../../protocol/fee.ts'
import type { EpochHeader, Payout } from '../../protocol/payout-epoch.ts'
import { type BatchHeader, segmentsHash } from '../../protocol/receipt-batch.ts'
import { type RoyaltyRow, royaltyKinds, royaltyWeight } from '../../protocol/royalty-vector.ts'
import {
  type BuiltBatch,
  type BuiltEpoch,
  type BuiltReceipt,
  buildBatch,
  buildEpoch,
  claimOf,
  type Plan,
  siblingsOf,
  type Terms,
} from './money-batch.ts'
import { type Actor, clocks, MoneyChain, type Sent } from './money-chain.ts'
import { standingModel } from './standing-model.ts'

export type CommittedBatch = {
  readonly built: BuiltBatch
  readonly header: BatchHeader
  /** Receipts that were voided one by one. */
  readonly voided: Set<number>
  isVoid: boolean
}

export type ProposedEpoch = {
  readonly built: BuiltEpoch
  readonly record: EpochRecord
  readonly batches: readonly CommittedBatch[]
}

/** What a proposal may have otherwise; `by`: proposed late by somebody who is not the attributor, showing `mature`. */
export type WrongProposal = {
  readonly by?: Actor | undefined
  readonly mature?: BatchHeader | undefined
  readonly change?: ((header: EpochHeader) => EpochHeader) | undefined
  readonly parent?: EpochState | undefined
  readonly bond?: bigint | undefined
}

/** What contributors earn, as entries of their pool; the weights sum to 1,000,000. */
export type Contributors = readonly AttributionEntry[]

/**
 * A chain where money flows: a Datanet with contributions, a model with a price, staked workers, and what it takes to carry
 * a fee from a payer's channel to everyone it belongs to.
 */
export class MoneyWorld {
  readonly chain: MoneyChain
  readonly attributor: Hex = devPreset().attributor
  readonly terms: Terms
  readonly royaltyRows: readonly RoyaltyRow[]
  /** Every batch by number, the first is batch 1. */
  readonly batches: CommittedBatch[] = []
  /** Epochs that stand, the first is epoch 1. */
  readonly epochs: ProposedEpoch[] = []
  /** Who is entitled to the model's revenue. */
  modelPayee: Hex
  readonly #spent = new Map<Hex, bigint>()
  #nonce = 0n

  static async create(): Promise<MoneyWorld> {
    start ??= (async () => {
      const chain = await MoneyChain.create()
      return { chain, ...(await standingModel(chain)) }
    })()
    const { chain, terms, royaltyRows } = await start
    return new MoneyWorld(await chain.fork(), terms, royaltyRows)
  }

  constructor(chain: MoneyChain, terms: Terms, royaltyRows: readonly RoyaltyRow[]) {
    this.chain = chain
    this.terms = terms
    this.royaltyRows = royaltyRows
    this.modelPayee = chain.actor('model owner').address
  }

  /** Entries of one receipt: the model's by its vector, the worker's, and `contributors`; by default all to Datanet 1. */
  entries(worker: Actor, contributors: Contributors = [unitsOf(1n)]): AttributionEntry[] {
    const model = this.royaltyRows.map((row, i) => ({
      payee: row.kind === royaltyKinds.model ? this.modelPayee : row.id,
      id: BigInt(i),
      class: entryClasses.M,
      evidenceHash: zeroHash,
      weight: royaltyWeight(row),
    }))
    const own = { payee: worker.address, id: 0n, class: entryClasses.W, evidenceHash: zeroHash, weight: weightTotal }
    return [...model, own, ...contributors]
  }

  /** One inference to be, with a deadline a day away. */
  plan(payer: Actor, worker: Actor, tin = 100, tout = 50, contributors?: Contributors): Plan {
    const deadline = this.chain.now + 86_400n
    return { payer, tin, tout, entries: this.entries(worker, contributors), nonce: this.#nonce++, deadline }
  }

  build(worker: Actor, plans: readonly Plan[]): BuiltBatch {
    return buildBatch(worker, plans, this.terms, (channel) => this.#spent.get(channel) ?? 0n, this.chain.now + 600n)
  }

  async deposit(payer: Actor, worker: Actor, value: bigint): Promise<Sent> {
    return await this.chain.send(payer, 'InferenceMarket', 'deposit', [worker.address], { value })
  }

  async commit(worker: Actor, built: BuiltBatch): Promise<{ batch: CommittedBatch; sent: Sent }> {
    const sent = await this.chain.send(worker, 'InferenceMarket', 'commitBatch', [built.input, built.segments])
    const { receiptRoot, count, sums, class: proofClass, dataHash } = built.input as BatchHeader
    const header: BatchHeader = {
      batchId: sent.result as bigint,
      worker: worker.address,
      committedAt: this.chain.now,
      l2Block: this.chain.blockNumber,
      receiptRoot,
      count,
      sums,
      class: proofClass,
      dataHash,
      segmentsHash: bytesToHex(segmentsHash(built.segments)),
    }
    const batch = { built, header, voided: new Set<number>(), isVoid: false }
    this.batches.push(batch)
    for (const { channel, fee } of built.segments) this.#spent.set(channel, (this.#spent.get(channel) ?? 0n) + fee)
    return { batch, sent }
  }

  /** Matures batches, whose window must be over. */
  async mature(batches: readonly CommittedBatch[]): Promise<Sent> {
    return await this.chain.send(batches[0]?.header.worker ?? this.attributor, 'InferenceMarket', 'matureBatches', [
      batches.map(({ header }) => header),
    ])
  }

  /** The canonical epoch of mature batches on top of the last one that stands. */
  buildEpoch(batches: readonly CommittedBatch[]): BuiltEpoch {
    const receipts = batches
      .filter(({ isVoid }) => !isVoid)
      .flatMap(({ built, voided }) => built.receipts.map((receipt, i) => ({ ...receipt, isVoid: voided.has(i) })))
    return buildEpoch(receipts, this.payouts)
  }

  get payouts(): readonly Payout[] {
    return this.epochs.at(-1)?.built.payouts ?? []
  }

  get parent(): EpochState {
    const last = this.epochs.at(-1)
    return last === undefined ? noEpoch : epochStateOf(last.record)
  }

  /** Header of an epoch over the batches behind the parent's, up to `lastBatch`. */
  epochHeader(built: BuiltEpoch, lastBatch: bigint): EpochHeader {
    return {
      epoch: BigInt(this.epochs.length + 1),
      parentRoot: this.parent.payoutRoot,
      firstBatch: this.parent.lastBatch + 1n,
      lastBatch,
      creditsRoot: bytesToHex(built.creditsTree.root),
      creditsSum: built.creditsSum,
      creditsCount: built.credits.length,
      payoutRoot: bytesToHex(built.payoutTree.root),
      payoutSum: built.payoutSum,
      payoutCount: built.payouts.length,
      dataHash: `0x${'ed'.repeat(32)}`,
      algoHash: algoHashV1,
    }
  }

  /** Proposes the epoch of all batches that matured since the last one, by the attributor unless somebody else does. */
  async propose(batches: readonly CommittedBatch[], built = this.buildEpoch(batches), wrong: WrongProposal = {}) {
    const { chain, attributor } = this
    const { by, change = (header) => header, parent = this.parent } = wrong
    const header = change(this.epochHeader(built, batches.at(-1)?.header.batchId ?? 0n))
    const bond = wrong.bond ?? ((await chain.read('AttributionLedger', 'requiredBond', [built.creditsSum])) as bigint)
    const tops = [bytesToHex(built.creditsTree.topHash), bytesToHex(built.payoutTree.topHash)]
    const args = [header, ...tops, parent]
    const [from, name, late] =
      by === undefined
        ? [attributor, 'proposeEpoch', []]
        : [by.address, 'proposeLateEpoch', [wrong.mature ?? batches[0]?.header]]
    const sent = await chain.send(from, 'AttributionLedger', name, [...args, ...late], { value: bond })
    const totals = sent.events.find((event) => event.name === 'EpochProposed')?.args['totals'] as Totals
    const record: EpochRecord = { header, proposer: from, proposedAt: chain.now, bond, totals }
    const epoch = { built, record, batches }
    this.epochs.push(epoch)
    return { epoch, sent }
  }

  /** Makes an epoch final, whose window must be over. */
  async finalize(epoch: ProposedEpoch): Promise<Sent> {
    const before = this.epochs[this.epochs.indexOf(epoch) - 1]
    const parent = before === undefined ? noEpoch : epochStateOf(before.record)
    return await this.chain.send(this.attributor, 'AttributionLedger', 'finalizeEpoch', [epoch.record, parent])
  }

  /** From committed batches to a final epoch. */
  async settle(batches: readonly CommittedBatch[]): Promise<ProposedEpoch> {
    this.chain.advance(clocks.window)
    await this.mature(batches)
    const { epoch } = await this.propose(batches)
    this.chain.advance(clocks.window)
    await this.finalize(epoch)
    return epoch
  }

  async claim(payee: Actor, { record, built }: ProposedEpoch): Promise<Sent> {
    return await this.chain.send(payee, 'RoyaltyVault', 'claim', [claimOf(record.header.epoch, built, payee.address)])
  }

  /** `OpenedReceipt` of a challenge. */
  openedReceipt({ header, built }: CommittedBatch, index: number) {
    const { receipt, paymentHash, sums } = built.receipts[index] as BuiltReceipt
    const siblings = siblingsOf(built.tree, index)
    return { header, index, receipt, paymentHash: bytesToHex(paymentHash), sums, siblings }
  }
}

let start: Promise<{ chain: MoneyChain; terms: Terms; royaltyRows: readonly RoyaltyRow[] }> | undefined

/** The whole contributors' pool to a Datanet's units. */
export function unitsOf(datanet: bigint): AttributionEntry {
  const payee = poolPayee(payeePools.units, datanet)
  return { payee, id: datanet, class: entryClasses.U, evidenceHash: zeroHash, weight: weightTotal }
}
