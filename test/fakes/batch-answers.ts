import {
  type BatchData,
  type LeafKind,
  leafKey,
  leafKinds,
  type ShownEntry,
  type ShownReceipt,
  type ShownTokens,
} from '../../attribution/epochs/batch-data.ts'
import type { Call } from '../../attribution/epochs/challenge.ts'
import { type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { openedPayment } from './dispute-arguments.ts'
import { type Committed, type Draft, entryTreeOf } from './dispute-batch.ts'
import { type Actor, type MoneyChain, open, Reverted } from './money-chain.ts'
import { at } from './proven-tree.ts'
import { tokenProof } from './token-proof.ts'

/** `Demand` of contracts/src/lib/Demands.sol. */
export type Demand = {
  readonly kind: number
  readonly subject: Hex
  readonly root: Hex
  readonly count: number
  readonly index: number
}

type Answer = readonly [functionName: string, ...args: readonly unknown[]]

/** What a watcher knows of one batch, as demands on chain are answered or not. */
export class BatchAnswers {
  readonly #chain: MoneyChain
  readonly #batch: Committed
  readonly #receipts: ShownReceipt[] = []
  readonly #entries: ShownEntry[] = []
  readonly #tokens: ShownTokens[] = []
  readonly #demanded = new Set<string>()
  /** The first demand that nobody could answer. */
  missing: Demand | undefined

  constructor(chain: MoneyChain, batch: Committed) {
    this.#chain = chain
    this.#batch = batch
  }

  data(file: Uint8Array | undefined): BatchData {
    const [receipts, entries, tokens, demanded] = [this.#receipts, this.#entries, this.#tokens, this.#demanded]
    return { file, receipts, entries, tokens, demanded }
  }

  /** Sends the demand, then whatever answer the worker has, which the ledger may not take. */
  async demand(by: Actor, worker: Actor, { functionName, args }: Call): Promise<void> {
    const sent = await this.#chain.send(by, 'AttributionLedger', functionName, args, { value: open })
    const demand = sent.events.find(({ name }) => name === 'DataRequested')?.args['demand'] as Demand
    const kind = at(leafKinds, demand.kind)
    const draft = this.#draftOf(kind, demand, args)
    const answer = draft === undefined ? undefined : this.#answer(kind, demand, draft)
    if (answer === undefined || !(await this.#serve(worker, demand, answer))) {
      this.missing ??= demand
      this.#demanded.add(leafKey({ ...demand, kind }))
      return
    }
    if (draft !== undefined) this.#learn(kind, demand, draft)
  }

  /** Of a receipt the place is the demand's, of what stands under a receipt the argument's. */
  #draftOf(kind: LeafKind, demand: Demand, [opened]: readonly unknown[]): Draft | undefined {
    const index = kind === 'receipt' ? demand.index : (opened as { readonly index: number }).index
    return this.#batch.drafts[index]
  }

  async #serve(worker: Actor, demand: Demand, [functionName, ...args]: Answer): Promise<boolean> {
    try {
      await this.#chain.send(worker, 'AttributionLedger', functionName, [demand, ...args])
      return true
    } catch (error) {
      if (error instanceof Reverted) return false
      throw error
    }
  }

  #answer(kind: LeafKind, { index }: Demand, draft: Draft): Answer | undefined {
    if (kind === 'receipt') {
      const { receipt, request, sums, payment } = draft
      const siblings = this.#batch.tree.siblings(index)
      const onChain = payment === zeroHash
      return ['serveReceipt', { receipt, request, onChain, payment: openedPayment(draft), sums, siblings }]
    }
    if (kind === 'entry') {
      const entry = draft.entries[index]
      if (entry === undefined) return undefined
      const tree = entryTreeOf(draft)
      return ['serveEntry', { entry: { index, ...entry }, sums: tree.row(index).sums, siblings: tree.siblings(index) }]
    }
    const tokens = new Uint32Array(draft.tokens[kind])
    if (index * 32 >= tokens.length) return undefined
    const proof = tokenProof(tokens, index)
    return ['serveTokens', proof.tokens, proof.siblings]
  }

  #learn(kind: LeafKind, { root, count, index }: Demand, draft: Draft): void {
    if (kind === 'receipt') {
      const { receipt, request, sums, voucher, signature, cut } = draft
      const cancel = cut && { value: cut.cancel, signature: cut.signature.bytes }
      const payment =
        draft.payment === zeroHash ? undefined : { voucher: { value: voucher, signature: signature.bytes }, cancel }
      const siblings = rowsOf(this.#batch.tree.siblings(index), 192)
      this.#receipts.push({ index, receipt, request, payment, sums, siblings })
    } else if (kind === 'entry') {
      const tree = entryTreeOf(draft)
      const entry = at(draft.entries, index)
      const shown = { root, count, index, entry: { ...entry, weight: BigInt(entry.weight) } }
      this.#entries.push({ ...shown, sums: tree.row(index).sums, siblings: rowsOf(tree.siblings(index), 96) })
    } else this.#tokens.push({ root, count, index })
  }
}

function rowsOf(joined: Hex, rowBytes: number): Uint8Array[] {
  const bytes = hexToBytes(joined)
  return Array.from({ length: bytes.length / rowBytes }, (_, i) => bytes.subarray(i * rowBytes, (i + 1) * rowBytes))
}
