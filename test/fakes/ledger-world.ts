import { type Abi, toFunctionSelector } from 'viem'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { packageContract } from '../../genesis/package-contracts.ts'
import { implementationAddress } from '../../genesis/predeploys.ts'
import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { type EpochRecord, type EpochState, epochStateOf, noEpoch, type Totals } from '../../protocol/epoch-record.ts'
import { type Credit, creditRow, type EpochHeader, type Payout, payoutRow } from '../../protocol/payout-epoch.ts'
import { type BatchHeader, segmentsHash } from '../../protocol/receipt-batch.ts'
import { SumTree } from '../../protocol/sum-tree.ts'
import { loadArtifact } from './artifact.ts'
import { MoneyChain, open, type Sent } from './money-chain.ts'

/** Seconds of a window that divides well: a third is 1,600, the attributor's priority 100. */
export const window = 4_800n
export const attributor: Hex = `0x${'a77b'.repeat(10)}`
export const disputeGame = openLedgerPredeploys.disputeGame
export const market = openLedgerPredeploys.inferenceMarket

/** An epoch with all that proofs about it need. */
export type Proposed = {
  readonly record: EpochRecord
  readonly creditsTree: SumTree
  readonly payoutTree: SumTree
  readonly credits: readonly Credit[]
  readonly payouts: readonly Payout[]
}

/** What a proposal may get wrong. */
export type Wrong = {
  readonly header?: Partial<EpochHeader>
  readonly creditsTop?: Hex
  readonly payoutTop?: Hex
  readonly parent?: EpochState
  readonly bond?: bigint
}

const start: { world?: Promise<MoneyChain> } = {}

/**
 * The ledger, vault and judges of the money chain over a market whose mature batches a test makes up. The worker registry
 * answers every slash with 1 wei and says what it was asked.
 */
export class LedgerWorld {
  readonly chain: MoneyChain
  #totals: Totals = noEpoch.totals
  readonly #totalsAt = new Map<bigint, Totals>()
  #lastBatch = 0n

  static async create(): Promise<LedgerWorld> {
    start.world ??= placed()
    return new LedgerWorld(await (await start.world).fork())
  }

  constructor(chain: MoneyChain) {
    this.chain = chain
  }

  /** One more batch is mature, with so many entries and this much for each kind of payee. */
  async mature(entries: number, payable: bigint, platform = 0n, stakers = 0n): Promise<void> {
    const before = this.#totals
    this.#lastBatch++
    this.#totals = {
      receipts: before.receipts + 1n,
      entries: before.entries + BigInt(entries),
      payable_: before.payable_ + payable,
      platform: before.platform + platform,
      stakers: before.stakers + stakers,
    }
    this.chain.evm.state.account(market).balance += payable + platform + stakers
    this.#totalsAt.set(this.#lastBatch, this.#totals)
    await this.market('mature', [this.#lastBatch, this.#totals])
  }

  /** The market learns of a batch. */
  async commit(header: BatchHeader, voidedFees = 0n): Promise<void> {
    await this.market('commit', [header, voidedFees])
  }

  async market(name: string, args: readonly unknown[]): Promise<unknown> {
    return await this.chain.evm.call({ abi: loadArtifact('FakeMarket').abi, address: market }, name, args)
  }

  /** Proposes the epoch of these credits on top of `parent`, which is honest but for what `wrong` says. */
  async propose(
    credits: readonly (readonly [payee: Hex, amount: bigint])[],
    parent: Proposed | undefined,
    { by = attributor, mature, ...wrong }: Wrong & { by?: Hex; mature?: BatchHeader } = {},
  ): Promise<{ sent: Sent; proposed: Proposed }> {
    const built = this.build(credits, parent)
    const header = { ...built.header, ...wrong.header }
    const bond =
      wrong.bond ?? ((await this.chain.read('AttributionLedger', 'requiredBond', [header.creditsSum])) as bigint)
    const args = [
      header,
      wrong.creditsTop ?? bytesToHex(built.creditsTree.topHash),
      wrong.payoutTop ?? bytesToHex(built.payoutTree.topHash),
      wrong.parent ?? (parent === undefined ? noEpoch : epochStateOf(parent.record)),
    ]
    const record = {
      header,
      proposer: by,
      proposedAt: this.chain.now,
      bond,
      totals: this.#totalsAt.get(header.lastBatch) ?? this.#totals,
    }
    const sent =
      mature === undefined
        ? await this.chain.send(by, 'AttributionLedger', 'proposeEpoch', args, { value: bond })
        : await this.chain.send(by, 'AttributionLedger', 'proposeLateEpoch', [...args, mature], { value: bond })
    return { sent, proposed: { ...built, record } }
  }

  async finalize(epoch: Proposed, parent: Proposed | undefined): Promise<Sent> {
    const state = parent === undefined ? noEpoch : epochStateOf(parent.record)
    return await this.chain.send(attributor, 'AttributionLedger', 'finalizeEpoch', [epoch.record, state])
  }

  build(list: readonly (readonly [payee: Hex, amount: bigint])[], parent: Proposed | undefined) {
    const credits = list.map(([payee, amount], entry): Credit => ({ payee, receipt: 0, entry, amount }))
    const sums = new Map(parent?.payouts.map(({ payee, cumulative }) => [payee, cumulative]))
    for (const { payee, amount } of credits) sums.set(payee, (sums.get(payee) ?? 0n) + amount)
    const payouts = [...sums].sort().map(([payee, cumulative]): Payout => ({ payee, cumulative }))
    const creditsTree = new SumTree(credits.map((credit, i) => creditRow(i, credit)))
    const payoutTree = new SumTree(payouts.map((payout, i) => payoutRow(i, payout)))
    const header: EpochHeader = {
      epoch: (parent?.record.header.epoch ?? 0n) + 1n,
      parentRoot: (parent?.record.header ?? noEpoch).payoutRoot,
      firstBatch: (parent?.record.header.lastBatch ?? 0n) + 1n,
      lastBatch: this.#lastBatch,
      creditsRoot: bytesToHex(creditsTree.root),
      creditsSum: credits.reduce((sum, { amount }) => sum + amount, 0n),
      creditsCount: credits.length,
      payoutRoot: bytesToHex(payoutTree.root),
      payoutSum: payouts.reduce((sum, { cumulative }) => sum + cumulative, 0n),
      payoutCount: payouts.length,
      dataHash: `0x${'da'.repeat(32)}`,
      algoHash: algoHashV1,
    }
    return { header, credits, payouts, creditsTree, payoutTree }
  }
}

/** A batch header of which only these fields matter. */
export function batchHeader(fields: Partial<BatchHeader>): BatchHeader {
  return {
    batchId: 1n,
    worker: `0x${'33'.repeat(20)}`,
    committedAt: 0n,
    l2Block: 0n,
    receiptRoot: `0x${'11'.repeat(32)}`,
    count: 1,
    sums: Array.from({ length: 10 }, () => 0n),
    class: 1,
    dataHash: `0x${'da'.repeat(32)}`,
    segmentsHash: bytesToHex(segmentsHash([])),
    ...fields,
  }
}

async function placed(): Promise<MoneyChain> {
  const chain = await MoneyChain.create()
  await place(chain, 'FakeMarket', market, [])
  await place(chain, 'AttributionLedger', openLedgerPredeploys.attributionLedger, [attributor, window])
  const answers = loadArtifact('Answers')
  const registry = openLedgerPredeploys.workerRegistry
  chain.evm.state.account(registry).storage.clear()
  await chain.evm.place(registry, answers.abi, hexToBytes(answers.bytecode))
  const slash = `0x${'0'.repeat(63)}1`
  const selector = toFunctionSelector('slash(address,uint8,uint256,address)')
  await chain.evm.call({ abi: answers.abi, address: registry }, 'set', [selector, slash, true, 0n])
  chain.evm.state.account(attributor).balance = 1_000n * open
  return chain
}

/** Puts a contract behind a fresh proxy and initialises it where it has an initialiser. */
async function place(chain: MoneyChain, name: string, address: Hex, args: readonly unknown[]): Promise<void> {
  const { evm } = chain
  const { abi, bytecode } = loadArtifact(name)
  const proxy = packageContract('Proxy')
  evm.state.account(address).storage.clear()
  await evm.place(address, proxy.abi, proxy.creationCode, [openLedgerPredeploys.moneyTimelock])
  const implementation = implementationAddress(address)
  evm.state.account(implementation).storage.clear()
  await evm.place(implementation, abi, hexToBytes(bytecode))
  const upgrade = { from: openLedgerPredeploys.moneyTimelock } as const
  await evm.call({ abi: proxy.abi as Abi, address }, 'upgradeTo', [implementation], upgrade)
  if (args.length > 0) await evm.call({ abi, address }, 'initialize', args)
}
