import { readFileSync } from 'node:fs'
import type { BatchPayment, BatchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { makeReceipt } from '../../attribution/epochs/make-receipt.ts'
import { type Contribution, unitsOf } from '../../attribution/epochs/receipt-entries.ts'
import { ReceiptError } from '../../attribution/epochs/receipt-error.ts'
import { errorMessage, UsageError } from '../../common/errors.ts'
import { answerStructHash } from '../../protocol/answer.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { receiptStructHash } from '../../protocol/inference-receipt.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { cancelStructHash, channelOf, voucherStructHash } from '../../protocol/voucher.ts'
import { type ChainAccess, optional, paper } from './action.ts'
import { fileArg, hashArg, idArg } from './arg-kinds.ts'
import { readCancelPaper } from './cancel-paper.ts'
import { readContributions } from './contributions.ts'
import { tokensArg, tokensJson } from './papers.ts'
import { RefusedError } from './refused.ts'
import { type RequestPaper, readRequestPaper } from './request-paper.ts'
import { Amount } from './values.ts'
import { readVoucherPaper, requireSigner } from './voucher-paper.ts'

export const receiptPaper = paper(
  'Makes and signs the answer and the receipt of a request: fee by its price, entries of model, worker and app by the chain. Nothing is sent.',
  {
    request: fileArg('request of the payer'),
    voucher: optional(fileArg("the payer's voucher; absent: the request was opened on chain")),
    cancel: optional(fileArg("the payer's cancel, where the stream was cut")),
    'prompt-tokens': optional(tokensArg('tokens of the prompt, where the request does not bring them')),
    'output-tokens': tokensArg('tokens of the answer'),
    datanet: optional(idArg("Datanet whose unit holders get all of the contributors' part")),
    entries: optional(fileArg('JSON list of entries of the contributors: class, id, weight, evidenceHash')),
    trace: optional(hashArg('root of the trace')),
    proof: optional(hashArg('hash of the proof')),
  },
  async (values, chain) => {
    const { ChainFacts } = await import('../../chain/ledger/chain-facts.ts')
    const facts = new ChainFacts({ rpc: chain, chainId: chain.chainId, earlierReceipt: async () => undefined })
    const paper = readRequestPaper(values.request)
    const { request, requestId } = paper
    const worker = chain.sender()
    const time = await chain.now()
    const prompt = promptOf(paper, values['prompt-tokens'])
    const output = values['output-tokens']
    const contributions = contributionsOf(values)
    const payment = await paymentOf(paper, values, chain)
    const made = await makeReceipt(
      {
        ...{ request, payment, worker, prompt, output, contributions },
        ...{ traceRoot: values.trace ?? zeroHash, proofHash: values.proof ?? zeroHash },
      },
      time,
      facts,
    ).catch(refuse)
    const { receipt } = made
    const answer = { requestId, outputRoot: receipt.outputRoot, final: payment?.cancel === undefined }
    const sign = (structHash: Uint8Array): Hex => bytesToHex(chain.sign(moneyDigest(chain.chainId, structHash)))
    chain.note(
      `receipt of request ${requestId}: ${new Amount(receipt.fee)} for ${receipt.tin} + ${receipt.tout} tokens`,
    )
    return {
      receipt,
      signature: sign(receiptStructHash(receipt)),
      answer,
      answerSignature: sign(answerStructHash(answer)),
      ...receiptJson(made),
    }
  },
)

/** Nothing is signed that would be challenged. */
function refuse(cause: unknown): never {
  throw cause instanceof ReceiptError ? new RefusedError(cause.message) : cause
}

/** What a batch needs of a receipt, as JSON. */
function receiptJson({ sums, request, payment, entries, prompt, output }: BatchReceipt) {
  const { voucher, cancel } = payment ?? {}
  return {
    request,
    ...(voucher && { voucher: { voucher: voucher.value, signature: bytesToHex(voucher.signature) } }),
    ...(cancel && { cancel: { cancel: cancel.value, signature: bytesToHex(cancel.signature) } }),
    sums,
    entries,
    prompt: tokensJson(prompt),
    output: tokensJson(output),
  }
}

function promptOf({ request, prompt }: RequestPaper, given: Uint32Array | undefined): Uint32Array {
  const tokens = given ?? prompt
  if (tokens === undefined) throw new UsageError('the request does not bring its prompt: give --prompt-tokens')
  if (bytesToHex(tokenListRoot(tokens)) !== request.promptRoot) {
    throw new UsageError('--prompt-tokens is not the prompt that the request names')
  }
  return tokens
}

type ContributorValues = { readonly datanet: bigint | undefined; readonly entries: string | undefined }

function contributionsOf({ datanet, entries }: ContributorValues): Contribution[] {
  if ((datanet === undefined) === (entries === undefined)) throw new UsageError('give either --datanet or --entries')
  if (datanet !== undefined) return [unitsOf(datanet)]
  try {
    return readContributions(JSON.parse(readFileSync(entries ?? '', 'utf8')))
  } catch (cause) {
    throw new UsageError(`--entries ${entries} cannot be used: ${errorMessage(cause)}`)
  }
}

type PaymentValues = { readonly voucher: string | undefined; readonly cancel: string | undefined }

/** What pays for the receipt, checked as the chain will check it; undefined where it is the request's escrow. */
async function paymentOf(
  { request, requestId }: RequestPaper,
  { voucher: voucherPath, cancel: cancelPath }: PaymentValues,
  chain: ChainAccess,
): Promise<BatchPayment | undefined> {
  if (voucherPath === undefined) {
    if (cancelPath !== undefined) throw new UsageError('--cancel needs a voucher: a request opened on chain is not cut')
    const { openedAt, settledBy } = (await chain.read('InferenceMarket', 'openRequestOf', [requestId])) as {
      readonly openedAt: bigint
      readonly settledBy: bigint
    }
    if (openedAt === 0n || settledBy !== 0n) {
      throw new RefusedError(
        `request ${requestId} is not open on chain: give the payer's --voucher, or let the payer open it`,
      )
    }
    return undefined
  }
  const voucher = readVoucherPaper(voucherPath)
  const { value } = voucher
  const worker = chain.sender()
  if (value.requestId !== requestId) throw new UsageError('--voucher is for another request')
  if (value.worker !== worker || value.channel !== channelOf(request.payer, worker)) {
    throw new UsageError(`--voucher is for the worker ${value.worker}, not for ${worker}`)
  }
  if (value.maxFee !== request.maxFee || value.deadline !== request.deadline) {
    throw new UsageError('--voucher has another greatest fee or deadline than the request')
  }
  const check = (structHash: Uint8Array, signature: Uint8Array, what: string) => {
    try {
      requireSigner(request.payer, moneyDigest(chain.chainId, structHash), signature, what)
    } catch (cause) {
      throw new UsageError(errorMessage(cause))
    }
  }
  check(voucherStructHash(value), voucher.signature, 'voucher')
  if (cancelPath === undefined) return { voucher }
  const cancel = readCancelPaper(cancelPath)
  if (cancel.value.requestId !== requestId) throw new UsageError('--cancel is for another request')
  check(cancelStructHash(cancel.value), cancel.signature, 'cancel')
  return { voucher, cancel }
}
