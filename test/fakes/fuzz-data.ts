import { type Action, type FuzzSite, told } from './fuzz-site.ts'
import { type BuiltReceipt, entryTree, siblingsOf } from './money-batch.ts'
import { open } from './money-chain.ts'
import { openedEntry } from './money-evidence.ts'
import type { CommittedBatch, ProposedEpoch } from './money-world.ts'
import { tokenProof } from './token-proof.ts'

/** A leaf that was asked for, the answer that shows it, and what falls where nobody does. */
type Demanded = {
  readonly demand: unknown
  /** Undefined where noise asked. */
  answer?: readonly [name: string, ...args: readonly unknown[]]
  readonly of: CommittedBatch | ProposedEpoch
}

/** Demands for every kind of leaf, their answers, and silence. */
export class FuzzData {
  readonly #site: FuzzSite
  readonly #demands = new Map<unknown, Demanded>()

  constructor(site: FuzzSite) {
    this.#site = site
  }

  get actions(): readonly Action[] {
    return [
      [6, () => this.#ask()],
      [8, () => this.#answer()],
    ]
  }

  /** Of any `DataRequested`. */
  learn({ demandId, number, demand }: Readonly<Record<string, unknown>>): void {
    const { batches, epochs } = this.#site.world
    const isOfBatch = (demand as { readonly kind: number }).kind < 4
    const of = (isOfBatch ? batches : epochs)[Number(number) - 1]
    if (of !== undefined) this.#demands.set(demandId, { demand, of })
  }

  /** Says of every demand that nobody answered it. */
  async windUp(): Promise<void> {
    for (const demanded of this.#demands.values()) await this.#miss(demanded)
  }

  /** Asks for a leaf of a batch or an epoch, and sometimes answers at once. */
  async askOf(of: CommittedBatch | ProposedEpoch): Promise<void> {
    if ('record' in of) await this.#askEpoch(of)
    else await this.#askBatch(of)
    if (this.#site.random.chance(0.4)) await this.#answer()
  }

  async #ask(): Promise<void> {
    const { random, world } = this.#site
    const [epoch, batch] = [world.epochs.at(-1), world.batches.at(-1)]
    const of = random.chance(0.3) ? (epoch ?? batch) : batch
    if (of !== undefined) await this.askOf(of)
  }

  async #askBatch(batch: CommittedBatch): Promise<void> {
    const { random, world } = this.#site
    const index = random.int(batch.built.receipts.length)
    const { receipt, request, entries } = batch.built.receipts[index] as BuiltReceipt
    const opened = world.openedReceipt(batch, index)
    const over = random.chance(0.05) ? 99 : 0
    switch (random.int(4)) {
      case 0: {
        const served = servedReceipt(batch, index)
        return await this.#request(['requestReceipt', batch.header, index + over], ['serveReceipt', served])
      }
      case 1: {
        const k = random.int(entries.length)
        const { entry, sums } = openedEntry(entries, k)
        const served = { entry, sums, siblings: siblingsOf(entryTree(entries), k) }
        return await this.#request(['requestEntry', opened, k + over], ['serveEntry', served])
      }
      case 2: {
        const other = random.chance(0.1) ? { ...request, nonce: 77n } : request
        return await this.#tokens(receipt.tin, (leaf) => ['requestPrompt', opened, other, leaf + over])
      }
      default:
        return await this.#tokens(receipt.tout, (leaf) => ['requestOutput', opened, leaf + over])
    }
  }

  async #tokens(count: number, ask: (leaf: number) => [string, ...unknown[]]): Promise<void> {
    const leaf = this.#site.random.int(Math.max(1, Math.ceil(count / 32)))
    const proof = count === 0 ? { tokens: '0x', siblings: [] } : tokenProof(new Uint32Array(count), leaf)
    await this.#request(ask(leaf), ['serveTokens', proof.tokens, proof.siblings])
  }

  async #askEpoch(epoch: ProposedEpoch): Promise<void> {
    const { random } = this.#site
    const { record, built } = epoch
    if (random.chance(0.5)) {
      const index = random.int(built.credits.length)
      const answer = ['serveCredit', { index, ...built.credits[index] }, siblingsOf(built.creditsTree, index)] as const
      return await this.#request(['requestCredit', record, index], answer)
    }
    const index = random.int(built.payouts.length)
    const answer = ['servePayout', { index, ...built.payouts[index] }, siblingsOf(built.payoutTree, index)] as const
    await this.#request(['requestPayout', record, index], answer)
  }

  async #request(
    [name, ...args]: readonly [string, ...unknown[]],
    answer: NonNullable<Demanded['answer']>,
  ): Promise<void> {
    const { act, anyone, random } = this.#site
    const price = random.chance(0.95) ? open / 100n : 1n
    const id = told(await act(anyone, 'AttributionLedger', name, args, price), 'DataRequested', 'demandId')
    const demanded = this.#demands.get(id)
    if (demanded !== undefined) demanded.answer = answer
  }

  async #answer(): Promise<void> {
    const { act, anyone, random } = this.#site
    if (this.#demands.size === 0) return
    const demanded = random.pick([...this.#demands.values()].slice(-4))
    if (random.chance(0.4) || demanded.answer === undefined) return await this.#miss(demanded)
    const [name, ...args] = demanded.answer
    // Sometimes the leaf beside it.
    const demand = demanded.demand as { readonly index: number }
    const shown = random.chance(0.1) ? { ...demand, index: demand.index + 1 } : demand
    await act(anyone, 'AttributionLedger', name, [shown, ...args])
  }

  async #miss({ demand, of }: Demanded): Promise<void> {
    const { act, anyone } = this.#site
    if ('record' in of) await act(anyone, 'AttributionLedger', 'epochDataMissing', [demand, of.record])
    else {
      const segments = of.isVoid ? [] : of.built.segments
      await act(anyone, 'AttributionLedger', 'batchDataMissing', [demand, of.header, segments])
    }
  }
}

/** `ServedReceipt` of a receipt under its voucher, or of a request opened on chain. */
function servedReceipt({ built }: CommittedBatch, index: number) {
  const { receipt, request, voucher, signature, sums, isOnChain } = built.receipts[index] as BuiltReceipt
  const { r, vs } = signature
  const none = { requestId: receipt.requestId, tout: 0, outputRoot: receipt.outputRoot }
  const payment = { voucher, signature: { r, vs }, cut: false, cancel: none, cancelSignature: { r, vs } }
  return { receipt, request, onChain: isOnChain, payment, sums, siblings: siblingsOf(built.tree, index) }
}
