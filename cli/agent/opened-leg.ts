import { paymentHashOf } from '../../attribution/epochs/batch-trees.ts'
import type { OpenedReceipt } from '../../attribution/epochs/openings.ts'
import { UsageError } from '../../common/errors.ts'
import { bytesToHex, concatBytes, type Hex } from '../../protocol/bytes.ts'
import { type OpenedRequest, openedRequest } from '../../protocol/inference-request.ts'
import { openBatch } from '../explain/epoch-source.ts'
import type { ChainAccess } from '../money/action.ts'
import type { ContentPlaces } from '../money/content-places.ts'

export type OpenedLeg = {
  readonly receipt: OpenedReceipt
  readonly request: OpenedRequest
  readonly payer: Hex
  readonly isVoid: boolean
}

/** The receipt of a request in a committed batch, opened under the batch's root. Throws {@link UsageError} where it is not in it. */
export async function openLeg(
  chain: ChainAccess,
  places: ContentPlaces,
  batchId: bigint,
  requestId: Hex,
): Promise<OpenedLeg> {
  const { header, batch, isVoid, voided } = await openBatch(chain, places, batchId)
  for (let index = 0; index < batch.count; index++) {
    const { receipt, sums, payment, request } = batch.receipt(index)
    if (receipt.requestId !== requestId) continue
    const paymentHash = bytesToHex(paymentHashOf(payment))
    const siblings = bytesToHex(concatBytes(...batch.tree.siblings(index)))
    return {
      receipt: { header, index, receipt, paymentHash, sums, siblings },
      request: openedRequest(request),
      payer: request.payer,
      isVoid: isVoid || voided.includes(index),
    }
  }
  throw new UsageError(`batch ${batchId} has no receipt of request ${requestId}`)
}
