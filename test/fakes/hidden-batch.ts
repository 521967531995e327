import type { BatchData, ShownEntry, ShownReceipt, ShownTokens } from '../../attribution/epochs/batch-data.ts'
import type { Call } from '../../attribution/epochs/challenge.ts'
import type { OpenedReceipt } from '../../attribution/epochs/openings.ts'
import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import { batchHash } from '../../protocol/receipt-batch.ts'
import { openedEntry, openedPayment } from './dispute-arguments.ts'
import { type Committed, entryTreeOf } from './dispute-batch.ts'
import { fileReceipt } from './dispute-facts.ts'
import type { DisputeWorld } from './dispute-world.ts'
import { at } from './proven-tree.ts'
import { tokenProof } from './token-proof.ts'

const kinds = { requestReceipt: 0, requestEntry: 1, requestPrompt: 2, requestOutput: 3 } as const

/** A worker who shows what is demanded of a batch where it can, and what was shown so far. */
export class HiddenBatch {
  readonly batch: Committed
  readonly #world: DisputeWorld
  readonly #receipts: ShownReceipt[] = []
  readonly #entries: ShownEntry[] = []
  readonly #tokens: ShownTokens[] = []
  /** Leaves that were shown. */
  shown = 0

  constructor(world: DisputeWorld, batch: Committed) {
    this.#world = world
    this.batch = batch
  }

  get data(): BatchData {
    return { receipts: this.#receipts, entries: this.#entries, tokens: this.#tokens }
  }

  /** False where the AnswerJudge refuses all that the worker has for the demand. */
  async answer({ functionName, args }: Call): Promise<boolean> {
    this.shown++
    const index = Number(args.at(-1))
    if (functionName === 'requestReceipt') return await this.#showReceipt(index)
    const opened = args[0] as OpenedReceipt
    if (functionName === 'requestEntry') return await this.#showEntry(opened, index)
    const isPrompt = functionName === 'requestPrompt'
    const root = isPrompt ? (args[1] as InferenceRequest).promptRoot : opened.receipt.outputRoot
    return await this.#showTokens(isPrompt ? 'prompt' : 'output', opened, root, index)
  }

  async #showReceipt(index: number): Promise<boolean> {
    const { header, drafts, tree } = this.batch
    const draft = drafts[index]
    if (draft === undefined) return false
    const { receipt, request, payment, sums } = draft
    const siblings = tree.siblings(index)
    const demand = this.#demand('requestReceipt', header.receiptRoot, header.count, index)
    const onChain = payment === zeroHash
    const served = { receipt, request, onChain, payment: openedPayment(draft), sums, siblings }
    if (!(await this.#accepts('serveReceipt', demand, served))) return false
    const shown = { index, receipt, request, payment: fileReceipt(draft).payment, sums }
    this.#receipts.push({ ...shown, siblings: rowsOf(siblings, 192) })
    return true
  }

  async #showEntry({ receipt: { attrRoot, attrEntries } }: OpenedReceipt, index: number): Promise<boolean> {
    const draft = this.batch.drafts.find((each) => each.receipt.attrRoot === attrRoot)
    if (draft === undefined || entryTreeOf(draft).count <= index) return false
    const { entry, sums, siblings } = openedEntry(draft, index)
    const demand = this.#demand('requestEntry', attrRoot, attrEntries, index)
    if (!(await this.#accepts('serveEntry', demand, { entry, sums, siblings }))) return false
    const shown = { root: attrRoot, count: attrEntries, index, sums }
    this.#entries.push({
      ...shown,
      entry: { ...entry, weight: BigInt(entry.weight) },
      siblings: rowsOf(siblings, 96),
    })
    return true
  }

  async #showTokens(list: 'prompt' | 'output', opened: OpenedReceipt, root: Hex, index: number): Promise<boolean> {
    const count = list === 'prompt' ? opened.receipt.tin : opened.receipt.tout
    const draft = at(this.batch.drafts, opened.index)
    const tokens = new Uint32Array(draft.tokens[list])
    if (32 * index >= tokens.length) return false
    const proof = tokenProof(tokens, index)
    const demand = this.#demand(list === 'prompt' ? 'requestPrompt' : 'requestOutput', root, count, index)
    if (!(await this.#accepts('serveTokens', demand, proof.tokens, proof.siblings))) return false
    this.#tokens.push({ root, count, index })
    return true
  }

  #demand(name: keyof typeof kinds, root: Hex, count: number, index: number) {
    return { kind: kinds[name], subject: bytesToHex(batchHash(this.batch.header)), root, count, index }
  }

  async #accepts(name: string, ...args: readonly unknown[]): Promise<boolean> {
    return typeof (await this.#world.ask('AnswerJudge', name, args)) === 'number'
  }
}

function rowsOf(siblings: Hex, rowBytes: number): Uint8Array[] {
  const bytes = hexToBytes(siblings)
  return Array.from({ length: bytes.length / rowBytes }, (_, i) => bytes.subarray(i * rowBytes, (i + 1) * rowBytes))
}
