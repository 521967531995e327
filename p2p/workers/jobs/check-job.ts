import { bytesToHex, equalBytes, FormatError, type Hex, hexToBytes } from '../../../protocol/bytes.ts'
import { recoverCompact } from '../../../protocol/compact-signature.ts'
import { requestIdOf } from '../../../protocol/inference-request.ts'
import { moneyDigest } from '../../../protocol/money-domain.ts'
import { tokenListRoot } from '../../../protocol/token-list.ts'
import { cancelStructHash, channelOf, voucherStructHash } from '../../../protocol/voucher.ts'
import type { Job, Refusal, RefusalCode, SignedCancel } from './job.ts'

export type JobTerms = { readonly chainId: bigint; readonly worker: Hex; readonly nowSeconds: number }

/**
 * What is wrong with a job as far as it shows itself: its hashes, who signed the voucher and for whom. What the channel
 * holds, prices and models are the worker's to look up. Undefined: nothing.
 */
export function faultOfJob(job: Job, { chainId, worker, nowSeconds }: JobTerms): Refusal | undefined {
  const { request, voucher, tokens } = job
  const { value } = voucher
  if (request.chainId !== chainId) return refuse('other-chain', `the request is for chain ${request.chainId}`)
  if (value.worker !== worker) return refuse('voucher-worker', `the voucher names ${value.worker}`)
  const requestId = requestIdOf(request)
  if (value.requestId !== requestId) return refuse('voucher-invalid', `the voucher is for request ${value.requestId}`)
  if (value.channel !== channelOf(request.payer, worker)) return refuse('voucher-invalid', 'another channel')
  if (value.maxFee < request.maxFee) return refuse('voucher-cap', `the voucher pays ${value.maxFee} wei at most`)
  if (value.cumulativeCap < value.maxFee)
    return refuse('voucher-cap', `all vouchers pay ${value.cumulativeCap} wei at most`)
  if (value.deadline < request.deadline) return refuse('voucher-deadline', 'the voucher ends before the request')
  if (request.deadline <= BigInt(nowSeconds)) return refuse('voucher-deadline', 'the deadline is past')
  if (!isSignedBy(request.payer, moneyDigest(chainId, voucherStructHash(value)), voucher.signature)) {
    return refuse('voucher-invalid', 'the voucher is not signed by the payer')
  }
  const root = hexToBytes(request.promptRoot)
  return equalBytes(tokenListRoot(tokens), root)
    ? undefined
    : refuse('prompt-mismatch', 'promptRoot is of other tokens')
}

/** True where the payer gave up the rest of this request. */
export function isCancelOf(cancel: SignedCancel, requestId: Hex, payer: Hex, chainId: bigint): boolean {
  if (cancel.value.requestId !== requestId) return false
  return isSignedBy(payer, moneyDigest(chainId, cancelStructHash(cancel.value)), cancel.signature)
}

export function isSignedBy(account: Hex, digest: Uint8Array, signature: Uint8Array): boolean {
  try {
    return bytesToHex(recoverCompact(digest, signature)) === account
  } catch (error) {
    if (error instanceof FormatError) return false
    throw error
  }
}

export function refuse(code: RefusalCode, detail: string, retryAfterMs = 0): Refusal {
  return { code, detail, retryAfterMs }
}
