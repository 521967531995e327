import type { BatchFacts } from '../../attribution/epochs/batch-facts.ts'
import type { OpenedReceipt } from '../../attribution/epochs/openings.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import type { Price, Shares } from '../../protocol/fee.ts'
import { receiptRow } from '../../protocol/inference-receipt.ts'
import { modelVersionHash } from '../../protocol/inference-request.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { type BatchHeader, type Segment, segmentsHash } from '../../protocol/receipt-batch.ts'
import { type RoyaltyRow, royaltyHash, royaltyModelId } from '../../protocol/royalty-vector.ts'
import { sumTreeRoot } from '../../protocol/sum-tree.ts'
import type { Challenge } from './dispute-arguments.ts'
import {
  appOwner,
  author,
  type Committed,
  type Draft,
  type DraftTerms,
  datanets,
  heir,
  honestDrafts,
  modelOwner,
  type Plan,
  segmentsOf,
  shares,
} from './dispute-batch.ts'
import { permissive } from './licences.ts'
import { type Actor, chainId, MoneyChain, open, Reverted } from './money-chain.ts'
import { ProvenTree } from './proven-tree.ts'
import { stake } from './standing-model.ts'

const day = 86_400n
const app = 'app_one'
const royaltyRows: readonly RoyaltyRow[] = [
  { kind: 0, id: royaltyModelId(3n), bps: 4_000 },
  { kind: 0, id: royaltyModelId(7n), bps: 6_000 },
]
const price = { rin: 3n * 10n ** 15n, rout: 6n * 10n ** 15n }
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`

/** What a worker commits to; what is left out is the tree's. */
export type BatchClaim = {
  readonly segments?: readonly Segment[]
  /** Rows behind the last receipt, where the tree has padding. */
  readonly hidden?: readonly Uint8Array[]
  readonly count?: number
  readonly sums?: readonly bigint[]
  readonly topHash?: Hex
  readonly class?: number
  readonly notAfter?: bigint
}

/** The real contracts, all of them, in a state that batches of `dispute-batch.ts` can be committed in, right or wrong. */
export class DisputeChain {
  readonly chain: MoneyChain
  readonly worker: Actor
  readonly payers: readonly [Actor, Actor]
  readonly stranger: Actor
  readonly terms: DraftTerms
  /** Receipts that the worker settled, by their request: what a watcher's index has. */
  readonly settled = new Map<Hex, OpenedReceipt>()
  /** A batch that was committed before, whose receipts are the {@link settled} ones. */
  earlier: Committed | undefined
  #nonce = 0n

  static async create(): Promise<DisputeChain> {
    const chain = await MoneyChain.create()
    const terms = await register(chain)
    const world = new DisputeChain(chain, terms)
    await stake(chain, world.worker, 9_000n * open)
    for (const payer of world.payers) {
      await chain.send(payer, 'InferenceMarket', 'deposit', [world.worker.address], { value: 100n * open })
    }
    return world
  }

  constructor(chain: MoneyChain, terms: DraftTerms) {
    this.chain = chain
    this.terms = terms
    this.worker = chain.actor('worker')
    this.payers = [chain.actor('payer'), chain.actor('sponsor')]
    this.stranger = chain.actor('stranger')
  }

  /** Receipts of an honest worker, with the requests opened on chain that are to be. */
  async drafts(plans: readonly Plan[]): Promise<Draft[]> {
    const drafts = honestDrafts(this.worker, plans, this.chain.now, this.terms, this.#nonce)
    this.#nonce += BigInt(plans.length)
    for (const [i, { request, payer }] of drafts.entries()) {
      if (plans[i]?.onChain !== true) continue
      await this.chain.send(payer, 'InferenceMarket', 'open', [request], { value: request.maxFee })
    }
    return drafts
  }

  /** Commits the receipts as they are. Throws {@link Reverted} where the market refuses them. */
  async commit(drafts: readonly Draft[], claim: BatchClaim = {}): Promise<Committed> {
    const { chain, worker, terms } = this
    const rows = drafts.map(({ receipt, payment, sums }) => receiptRow(receipt, hexToBytes(payment), sums))
    const tree = new ProvenTree(rows, claim.hidden)
    const { segments = segmentsOf(drafts), topHash = tree.topHash, count = rows.length, sums = tree.sums } = claim
    const input = {
      ...{ topHash, count, sums, class: claim.class ?? terms.class },
      dataHash: word(0xda),
      notAfter: claim.notAfter ?? chain.now,
    }
    const sent = await chain.send(worker, 'InferenceMarket', 'commitBatch', [input, segments])
    const top = concatBytes(hexToBytes(topHash), ...sums.map((sum) => uintBytes(sum, 16)))
    const header: BatchHeader = {
      batchId: sent.result as bigint,
      worker: worker.address,
      committedAt: chain.now,
      l2Block: chain.blockNumber,
      receiptRoot: bytesToHex(sumTreeRoot(count, top)),
      count,
      sums,
      class: input.class,
      dataHash: input.dataHash,
      segmentsHash: bytesToHex(segmentsHash(segments)),
    }
    return { header, segments, drafts, tree }
  }

  /** What a judge finds: the fault's number, or the name of the error that it refuses with. */
  async ask({ judge, name, args }: Challenge): Promise<number | string> {
    try {
      return Number(await this.chain.read(judge, name, args))
    } catch (error) {
      if (error instanceof Reverted) return error.error
      throw error
    }
  }

  get facts(): BatchFacts {
    const { chain, terms, settled } = this
    return {
      chainId,
      price: async (modelVersion, proofClass, priceVersion) => {
        const found = await chain.stored('ModelRegistry', 'priceOf', modelVersion, proofClass, priceVersion)
        return (found as Price).setAt === 0n ? undefined : (found as Price)
      },
      shares: async (version) => (await chain.stored('RevenueSplitter', 'sharesOf', version)) as Shares,
      model: async (modelVersion) => ({
        royaltyHash: (await chain.stored('ModelRegistry', 'royaltyHashOf', modelVersion)) as Hex,
        indexSetHash: (await chain.stored('ModelRegistry', 'indexSetHashOf', modelVersion)) as Hex,
      }),
      royaltyRows: async () => terms.royaltyRows,
      modelPayee: async (id, time) => lower(await chain.stored('ModelRegistry', 'payeeAt', id, time)),
      codePayee: async (code, time) => lower(await chain.stored('CodeRegistry', 'payoutAt', code, time)),
      contributionPayee: async (id, time) => lower(await chain.stored('DatanetRegistry', 'payoutOfAt', id, time)),
      datanets: async () => (await chain.stored('DatanetRegistry', 'datanetCount')) as bigint,
      algoInForce: async (algo, time) =>
        (await chain.stored('AttributionLedger', 'isAlgoInForce', algo, time)) as boolean,
      earlierReceipt: async (_worker, requestId, batchId) => {
        const found = settled.get(requestId)
        return found !== undefined && found.header.batchId < batchId ? found : undefined
      },
    }
  }
}

/** Model 7 with what it owes model 3, its prices (1 and 2 have run out, 3 is in force), the app, contributions 11 to 13. */
async function register(chain: MoneyChain): Promise<DraftTerms> {
  const call = async (from: Hex, contract: Parameters<MoneyChain['send']>[1], name: string, ...args: unknown[]) =>
    await chain.send(from, contract, name, args)
  await call(openLedgerPredeploys.timelock, 'RevenueSplitter', 'setShares', shares)
  for (let id = 1n; id <= datanets; id++) {
    await call(author, 'DatanetRegistry', 'create', 0, 0, permissive, word(2), 0n, word(3))
    await call(author, 'DatanetRegistry', 'setStatus', id, 2)
  }
  for (let id = 1; id <= 13; id++) {
    await call(id === 13 ? heir : author, 'DatanetRegistry', 'submit', 1n, word(100 + id), word(0), 0, 0, word(0))
  }
  const version = { weightsManifest: word(4), configHash: word(5), trainingRoot: word(6), indexIds: [] }
  const params = { kind: 0, verifyClasses: 0x3f, licenceId: permissive, version }
  for (let id = 1; id <= 7; id++) {
    const parents = id === 7 ? [{ id: 3n, relation: 0, bps: 4_000, policy: 0 }] : []
    await call(id === 3 ? heir : modelOwner, 'ModelRegistry', 'register', params, parents, [])
  }
  await call(appOwner, 'CodeRegistry', 'register', app, appOwner, '')
  // Payout addresses are in force from the next day on.
  chain.advance(2n * day)
  const setPrices = async (life: bigint) => {
    for (const proofClass of [1, 2]) {
      const until = chain.now + life
      await call(modelOwner, 'ModelRegistry', 'setPrice', 7n, 1, proofClass, price.rin, price.rout, until)
    }
  }
  await setPrices(10n)
  await setPrices(10n)
  chain.advance(20n)
  await setPrices(30n * day)
  chain.advance(2n)
  return {
    ...{ modelVersion: modelVersionHash(7n, 1), class: 2, priceVersion: 3, price, shares, sharesVersion: 2 },
    ...{ royaltyRows, royaltyPayees: [heir, modelOwner], royaltyHash: bytesToHex(royaltyHash(royaltyRows)) },
    ...{ indexSetHash: word(0), appCode: bytesToHex(keccak256(new TextEncoder().encode(app))) },
  }
}

function lower(address: unknown): Hex {
  return String(address).toLowerCase() as Hex
}
