import type { BatchFacts } from '../../attribution/epochs/batch-facts.ts'
import type { BatchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { type Answered, makeReceipt } from '../../attribution/epochs/make-receipt.ts'
import type { Contribution } from '../../attribution/epochs/receipt-entries.ts'
import { ruleAt } from '../../attribution/epochs/rule-at.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { signCompact } from '../../protocol/compact-signature.ts'
import { receiptSumNames } from '../../protocol/fee.ts'
import { receiptStructHash } from '../../protocol/inference-receipt.ts'
import { type InferenceRequest, requestIdOf } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'

/** An answer whose contributors are still to be found. */
export type Unattributed = Omit<Answered, 'contributions' | 'algoHash'>

export type SignedReceipt = { readonly receipt: BatchReceipt; readonly signature: Uint8Array }

/** The rule in force, and what it needs beside the output; `time` in Unix seconds. */
export type AttributedUnder = { readonly algoHash: Hex; readonly prompt: Uint32Array; readonly time: bigint }

type Parts = {
  readonly chainId: bigint
  readonly privateKey: Uint8Array
  readonly facts: BatchFacts
  /** What the contributors' pool of an answer goes to. */
  readonly attribute: (
    request: InferenceRequest,
    output: Uint32Array,
    under: AttributedUnder,
  ) => Promise<readonly Contribution[]>
  /** Unix seconds of the chain's head. */
  readonly now: () => bigint
}

/** Attributes answers and signs their receipts. */
export class ReceiptMaker {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Throws ReceiptError where no batch could hold it, and what attribution and the RPC throw. */
  async make(answered: Unattributed): Promise<SignedReceipt> {
    const { attribute, facts, now } = this.#parts
    const time = now()
    const algoHash = await ruleAt(facts, time)
    const { request, output, prompt } = answered
    const contributions = await attribute(request, output, { algoHash, prompt, time })
    const receipt = await makeReceipt({ ...answered, contributions, algoHash }, time, facts)
    return { receipt, signature: this.sign(receiptStructHash(receipt.receipt)) }
  }

  /** `r ‖ vs` over an object of InferenceMarket. */
  sign(structHash: Uint8Array): Uint8Array {
    return signCompact(moneyDigest(this.#parts.chainId, structHash), this.#parts.privateKey)
  }
}

/** What is kept of an answer that waits to be attributed: all that its receipt will be made of. */
export function draftOf({
  request,
  payment,
  worker,
  prompt,
  output,
  traceRoot,
  proofHash,
}: Unattributed): BatchReceipt {
  const receipt = {
    ...{ requestId: requestIdOf(request), worker, tin: prompt.length, tout: output.length, fee: request.maxFee },
    ...{ outputRoot: bytesToHex(tokenListRoot(output)), traceRoot, class: request.class, proofHash },
    ...{ indexSetHash: zeroHash, algoHash: zeroHash, attrRoot: zeroHash, attrEntries: 0, royaltyHash: zeroHash },
  }
  return { receipt, sums: receiptSumNames.map(() => 0n), request, payment, entries: [], prompt, output }
}

/** The answer that a draft or a receipt was made of. */
export function answeredOf({ request, payment, receipt, prompt, output }: BatchReceipt): Unattributed {
  const { worker, traceRoot, proofHash } = receipt
  return { request, payment, worker, prompt, output, traceRoot, proofHash }
}
