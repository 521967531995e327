import { entryLetters, entryPools, poolOf } from '../../protocol/attribution-entry.ts'
import { bytesToHex, FormatError, type Hex } from '../../protocol/bytes.ts'
import { recoverCompact } from '../../protocol/compact-signature.ts'
import { receiptSumNames, weightTotal } from '../../protocol/fee.ts'
import { requestIdOf } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { parentRow, sumTreeRoot } from '../../protocol/sum-tree.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { cancelStructHash, channelOf, voucherStructHash } from '../../protocol/voucher.ts'
import { decodeBatchFile } from '../epochs/batch-file.ts'
import type { BatchReceipt } from '../epochs/batch-rows.ts'
import { entryTree, OpenBatch, receiptRow } from '../epochs/batch-trees.ts'
import { DataError } from '../epochs/data-error.ts'
import { AnswerFileError } from './answer-error.ts'
import type { AnswerFile } from './answer-file.ts'

const receiptRowBytes = 32 + 16 * receiptSumNames.length

/** The receipt with what it stands on, in the batch whose hash is to be proven. Throws {@link AnswerFileError}. */
export function checkReceipt({ receipt: bytes, batch }: Pick<AnswerFile, 'receipt' | 'batch'>): BatchReceipt {
  const { one, entryRows } = readReceipt(bytes, batch.header)
  checkRequest(one)
  checkPayment(one)
  checkFigures(one, batch.header)
  checkTokens(one)
  checkEntries(one, entryRows)
  checkPlace(one, batch)
  return one
}

function readReceipt(bytes: Uint8Array, header: AnswerFile['batch']['header']) {
  try {
    const opened = new OpenBatch(header, decodeBatchFile(bytes))
    if (opened.count !== 1) throw new AnswerFileError('format', `${opened.count} receipts where one should be`)
    return { one: opened.receipt(0), entryRows: opened.entryRows(0) }
  } catch (cause) {
    if (!(cause instanceof DataError)) throw cause
    throw new AnswerFileError('format', `receipt: ${cause.message}`, { cause })
  }
}

function checkRequest({ receipt, request }: BatchReceipt): void {
  if (requestIdOf(request) !== receipt.requestId)
    throw new AnswerFileError('request', 'the request is not the receipt’s')
  if (request.class !== receipt.class) throw new AnswerFileError('request', 'another proof class was asked for')
}

/** The payer's signatures. A request opened on chain was paid there. */
function checkPayment({ receipt, request, payment }: BatchReceipt): void {
  if (payment === undefined) return
  const { voucher, cancel } = payment
  const { channel, requestId, worker, maxFee } = voucher.value
  const isFor =
    channel === channelOf(request.payer, receipt.worker) &&
    requestId === receipt.requestId &&
    worker === receipt.worker &&
    maxFee === request.maxFee &&
    receipt.fee <= maxFee
  if (!isFor) throw new AnswerFileError('payment', 'the voucher is for something else')
  requireSigner(request, voucherStructHash(voucher.value), voucher.signature)
  if (cancel === undefined) return
  const { value } = cancel
  const isSame =
    value.requestId === receipt.requestId && value.tout === receipt.tout && value.outputRoot === receipt.outputRoot
  if (!isSame) throw new AnswerFileError('payment', 'the cancel is for something else')
  requireSigner(request, cancelStructHash(value), cancel.signature)
}

function requireSigner(
  { chainId, payer }: BatchReceipt['request'],
  structHash: Uint8Array,
  signature: Uint8Array,
): void {
  let signer: Hex
  try {
    signer = bytesToHex(recoverCompact(moneyDigest(chainId, structHash), signature))
  } catch (cause) {
    throw new AnswerFileError('payment', 'a signature that nobody can have made', { cause })
  }
  if (signer !== payer) throw new AnswerFileError('payment', `signed by ${signer}, not by the payer ${payer}`)
}

function checkFigures({ receipt, sums, entries }: BatchReceipt, header: AnswerFile['batch']['header']): void {
  const [fee, tin, tout, count, ...parts] = sums
  const isSame =
    receipt.worker === header.worker &&
    receipt.class === header.class &&
    fee === receipt.fee &&
    tin === BigInt(receipt.tin) &&
    tout === BigInt(receipt.tout) &&
    count === BigInt(receipt.attrEntries) &&
    entries.length === receipt.attrEntries &&
    parts.reduce((sum, part) => sum + part, 0n) === receipt.fee
  if (!isSame) throw new AnswerFileError('receipt', 'worker, class, fee or counts are not those of its row and batch')
}

function checkTokens({ receipt, request, prompt, output }: BatchReceipt): void {
  const lists = [
    ['prompt', prompt, receipt.tin, request.promptRoot],
    ['output', output, receipt.tout, receipt.outputRoot],
  ] as const
  for (const [name, tokens, count, root] of lists) {
    if (tokens.length !== count || bytesToHex(tokenListRoot(tokens)) !== root)
      throw new AnswerFileError('tokens', `the ${name} is not the one of the receipt`)
  }
}

function checkEntries({ receipt, entries }: BatchReceipt, rows: Uint8Array): void {
  const wrong = (why: string) => new AnswerFileError('entries', why)
  if (entries.length === 0 || bytesToHex(entryTree(rows).root) !== receipt.attrRoot)
    throw wrong('they do not lead to attrRoot')
  const weights = new Map<string, bigint>()
  for (const [k, { class: kind, id, weight }] of entries.entries()) {
    const before = entries[k - 1]
    const isBehind = before === undefined || before.class < kind || (before.class === kind && before.id < id)
    if (kind >= entryLetters.length || !isBehind) throw wrong(`entry ${k} is of no class or out of order`)
    const pool = poolOf(kind as Parameters<typeof poolOf>[0])
    weights.set(pool, (weights.get(pool) ?? 0n) + weight)
  }
  for (const pool of entryPools) {
    const sum = weights.get(pool) ?? 0n
    if (sum !== 0n && sum !== BigInt(weightTotal)) throw wrong(`weights of ${pool} sum to ${sum}`)
  }
}

function checkPlace(one: BatchReceipt, { header, index, siblings }: AnswerFile['batch']): void {
  const { count } = header
  let row: Uint8Array | undefined = index < count ? rowOf(one) : undefined
  for (let at = 0, place = index; at < siblings.length && row !== undefined; at += receiptRowBytes, place >>= 1) {
    const sibling = siblings.subarray(at, at + receiptRowBytes)
    row = place % 2 === 0 ? parentRow(row, sibling) : parentRow(sibling, row)
  }
  const isThere = row !== undefined && bytesToHex(sumTreeRoot(count, row)) === header.receiptRoot
  if (!isThere) throw new AnswerFileError('batch', 'the receipt does not lead to the root of the batch')
}

function rowOf(one: BatchReceipt): Uint8Array {
  try {
    return receiptRow(one)
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new AnswerFileError('receipt', cause.message, { cause })
  }
}
