import type { Job } from '../../p2p/workers/jobs/job.ts'
import { answerStructHash } from '../../protocol/answer.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { signCompact } from '../../protocol/compact-signature.ts'
import { type InferenceReceipt, receiptStructHash } from '../../protocol/inference-receipt.ts'
import { type InferenceRequest, modelVersionHash, requestIdOf } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { cancelStructHash, channelOf, type Voucher, voucherStructHash } from '../../protocol/voucher.ts'
import { accountKey, netChain, word } from './worker-net.ts'

export const payerKey = accountKey(500)
const payer = bytesToHex(privateKeyAddress(payerKey))

type Change = {
  readonly request?: Partial<InferenceRequest>
  readonly voucher?: Partial<Voucher>
  readonly signer?: Uint8Array
}

/** A job that `worker` may answer, but for what is changed. */
export function jobFor(worker: Hex, tokens: readonly number[], change: Change = {}): Job {
  const request: InferenceRequest = {
    chainId: netChain,
    payer,
    nonce: 1n,
    modelVersion: modelVersionHash(1n, 1),
    adapters: [{ root: word(9), weight: 3 }],
    templateHash: word(4),
    promptRoot: bytesToHex(tokenListRoot(tokens)),
    sampling: { tempQ16: 0, topK: 0, topPQ16: 65_536, maxTokens: 64, stopHash: zeroHash },
    class: 1,
    priceVersion: 1,
    maxFee: 1_000n,
    appCode: zeroHash,
    deadline: BigInt(Math.floor(Date.now() / 1_000) + 600),
    ...change.request,
  }
  const voucher: Voucher = {
    channel: channelOf(payer, worker),
    requestId: requestIdOf(request),
    worker,
    maxFee: 1_000n,
    cumulativeCap: 5_000n,
    deadline: request.deadline,
    ...change.voucher,
  }
  const signature = signCompact(moneyDigest(netChain, voucherStructHash(voucher)), change.signer ?? payerKey)
  return {
    request,
    voucher: { value: voucher, signature },
    tokens: Uint32Array.from(tokens),
    stops: [Uint8Array.of(10, 10)],
  }
}

export function signedAnswer(job: Job, output: readonly number[], key: Uint8Array) {
  const value = { requestId: requestIdOf(job.request), outputRoot: bytesToHex(tokenListRoot(output)), final: true }
  return { value, signature: signCompact(moneyDigest(netChain, answerStructHash(value)), key) }
}

export function signedReceipt(
  job: Job,
  output: readonly number[],
  key: Uint8Array,
  change: Partial<InferenceReceipt> = {},
) {
  const value: InferenceReceipt = {
    requestId: requestIdOf(job.request),
    worker: job.voucher.value.worker,
    tin: job.tokens.length,
    tout: output.length,
    fee: 900n,
    outputRoot: bytesToHex(tokenListRoot(output)),
    traceRoot: word(1),
    class: job.request.class,
    proofHash: word(2),
    indexSetHash: zeroHash,
    algoHash: word(3),
    attrRoot: word(4),
    attrEntries: 2,
    royaltyHash: word(5),
    ...change,
  }
  return { value, signature: signCompact(moneyDigest(netChain, receiptStructHash(value)), key) }
}

export function signedCancel(job: Job, output: readonly number[], key = payerKey) {
  const value = {
    requestId: requestIdOf(job.request),
    tout: output.length,
    outputRoot: bytesToHex(tokenListRoot(output)),
  }
  return { value, signature: signCompact(moneyDigest(netChain, cancelStructHash(value)), key) }
}
