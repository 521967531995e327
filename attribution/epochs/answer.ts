import { bytesToHex, type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import type { BatchHeader } from '../../protocol/receipt-batch.ts'
import { tokenLeaf } from '../../protocol/token-list.ts'
import { leafKinds } from './batch-data.ts'
import { decodeBatchFile } from './batch-file.ts'
import { entryTree, joined, OpenBatch, weightSums } from './batch-trees.ts'
import type { Call } from './challenge.ts'
import { openedPayment } from './check-receipt.ts'
import { DataError } from './data-error.ts'
import type { Rows } from './epoch-trees.ts'
import { openCredit, openPayout } from './opened-rows.ts'

/** What somebody asked to be shown, as AttributionLedger has it: `kind` in the order of contracts/src/lib/Demands.sol. */
export type Demanded = {
  readonly kind: number
  readonly subject: Hex
  readonly root: Hex
  readonly count: number
  readonly index: number
}

/** The call of AttributionLedger that shows a leaf of a batch; undefined where the file does not have it. */
export function answerOfBatch(demand: Demanded, header: BatchHeader, file: Uint8Array): Call | undefined {
  const batch = openBatch(header, file)
  if (batch === undefined) return undefined
  const { root, count, index } = demand
  const kind = leafKinds[demand.kind]
  if (kind === 'receipt') return receiptAnswer(demand, batch)
  for (let i = 0; i < batch.count; i++) {
    const { receipt, request, entries, prompt, output } = batch.receipt(i)
    const entry = entries[index]
    if (kind === 'entry' && receipt.attrRoot === root && entry !== undefined) {
      const tree = entryTree(batch.entryRows(i))
      const sums = weightSums(entry.class, entry.weight)
      const served = { entry: { index, ...entry }, sums, siblings: joined(tree.siblings(index)) }
      return tree.count === count ? { functionName: 'serveEntry', args: [demand, served] } : undefined
    }
    const list = kind === 'prompt' ? request.promptRoot : receipt.outputRoot
    const tokens = kind === 'prompt' ? prompt : output
    if (kind !== 'entry' && list === root && tokens.length === count) {
      const { bytes, siblings } = tokenLeaf(tokens, index)
      return { functionName: 'serveTokens', args: [demand, bytesToHex(bytes), siblings.map(bytesToHex)] }
    }
  }
  return undefined
}

/** The call that shows credit or payout `index` of rows that are under the demanded root. */
export function answerOfEpoch(demand: Demanded, rows: Rows): Call | undefined {
  if (bytesToHex(rows.tree.root) !== demand.root) return undefined
  if (demand.kind === leafKinds.length) {
    const { credit, siblings } = openCredit(rows, demand.index)
    return { functionName: 'serveCredit', args: [demand, credit, siblings] }
  }
  const { payout, siblings } = openPayout(rows, demand.index)
  return { functionName: 'servePayout', args: [demand, payout, siblings] }
}

function receiptAnswer(demand: Demanded, batch: OpenBatch): Call | undefined {
  if (bytesToHex(batch.tree.root) !== demand.root || demand.index >= batch.count) return undefined
  const { receipt, request, payment, sums } = batch.receipt(demand.index)
  const served = {
    ...{ receipt, request, sums },
    onChain: payment === undefined,
    payment: payment === undefined ? noPayment : openedPayment(payment),
    siblings: joined(batch.tree.siblings(demand.index)),
  }
  return { functionName: 'serveReceipt', args: [demand, served] }
}

/** What stands beside `onChain`, which nobody reads. */
const noPayment = openedPayment({
  voucher: {
    value: {
      ...{ channel: zeroHash, requestId: zeroHash, worker: zeroAddress },
      ...{ maxFee: 0n, cumulativeCap: 0n, deadline: 0n },
    },
    signature: new Uint8Array(64),
  },
})

function openBatch(header: BatchHeader, file: Uint8Array): OpenBatch | undefined {
  try {
    return new OpenBatch(header, decodeBatchFile(file))
  } catch (error) {
    if (error instanceof DataError) return undefined
    throw error
  }
}
