import { bytesToHex, quantity } from '../../../../protocol/bytes.ts'
import { keccakHex } from '../../../../protocol/keccak.ts'
import type { Log } from '../../../../protocol/receipt.ts'
import { decodeTransaction } from '../../../../protocol/transaction.ts'
import type { L1FeeFields, StoredBlock, StoredReceipt } from '../chain-view.ts'

/** The receipt of a block's transaction as JSON-RPC shows it, with the OP Stack's fee fields. */
export function receiptJson(
  block: StoredBlock,
  index: number,
  stored: StoredReceipt | undefined,
): Record<string, unknown> | undefined {
  const raw = block.transactions[index]
  if (raw === undefined || stored === undefined) return undefined
  const { receipt } = stored
  const to = decodeTransaction(raw).to
  return {
    blockHash: block.hash,
    blockNumber: quantity(block.header.number),
    transactionHash: keccakHex(raw),
    transactionIndex: quantity(index),
    type: quantity(receipt.type),
    from: bytesToHex(stored.from),
    to: to === undefined ? null : bytesToHex(to),
    cumulativeGasUsed: quantity(receipt.cumulativeGasUsed),
    gasUsed: quantity(stored.gasUsed),
    effectiveGasPrice: quantity(stored.effectiveGasPrice),
    contractAddress: stored.contractAddress === undefined ? null : bytesToHex(stored.contractAddress),
    logs: receiptLogs(block, index, stored),
    logsBloom: bytesToHex(receipt.bloom),
    ...(typeof receipt.status === 'number'
      ? { status: quantity(receipt.status) }
      : { root: bytesToHex(receipt.status) }),
    ...(receipt.depositNonce === undefined ? {} : { depositNonce: quantity(receipt.depositNonce) }),
    ...(receipt.depositReceiptVersion === undefined
      ? {}
      : { depositReceiptVersion: quantity(receipt.depositReceiptVersion) }),
    ...(stored.l1Fee === undefined ? {} : l1FeeJson(stored.l1Fee)),
  }
}

/** The logs of one receipt as JSON-RPC shows them. */
export function receiptLogs(block: StoredBlock, index: number, stored: StoredReceipt): Record<string, unknown>[] {
  const raw = block.transactions[index]
  const transactionHash = raw === undefined ? null : keccakHex(raw)
  const place = {
    blockNumber: quantity(block.header.number),
    blockHash: block.hash,
    blockTimestamp: quantity(block.header.timestamp),
    transactionHash,
    transactionIndex: quantity(index),
  }
  return stored.receipt.logs.map((log, i) => ({
    ...logJson(log),
    ...place,
    logIndex: quantity(stored.logIndex + i),
    removed: false,
  }))
}

/** What of a log does not depend on its place. */
export function logJson(log: Log): Record<string, unknown> {
  return { address: bytesToHex(log.address), topics: log.topics.map(bytesToHex), data: bytesToHex(log.data) }
}

function l1FeeJson({ l1FeeScalar, ...fees }: L1FeeFields): Record<string, unknown> {
  const quantities = Object.entries(fees).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, quantity(value)]],
  )
  return {
    ...Object.fromEntries(quantities),
    ...(l1FeeScalar === undefined ? {} : { l1FeeScalar: decimal(l1FeeScalar) }),
  }
}

/** The Bedrock scalar in op-geth's form: a decimal fraction in a string. */
function decimal(millionths: bigint): string {
  const fraction = (millionths % 1_000_000n).toString().padStart(6, '0').replace(/0+$/, '')
  return `${millionths / 1_000_000n}${fraction === '' ? '' : `.${fraction}`}`
}
