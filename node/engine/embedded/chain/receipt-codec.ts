import { logsBloom } from '../../../../protocol/bloom.ts'
import { emptyBytes } from '../../../../protocol/bytes.ts'
import { decodeReceipt, encodeStoredReceipt } from '../../../../protocol/receipt.ts'
import { asBytes, asList, asUint, type RlpItem, rlpDecode, rlpEncode, rlpUint } from '../../../../protocol/rlp.ts'
import type { L1FeeFields, StoredReceipt } from '../chain-view.ts'

/** The receipts of a block as the database keeps them; blooms are left out and made again from the logs. */
export function encodeReceipts(receipts: readonly StoredReceipt[]): Uint8Array {
  return rlpEncode(receipts.map(receiptItem))
}

/** Reads {@link encodeReceipts}. Throws FormatError. */
export function decodeReceipts(raw: Uint8Array): StoredReceipt[] {
  return asList(rlpDecode(raw), 'stored receipts').map(parseReceipt)
}

const noBloom = new Uint8Array(256)

function receiptItem(stored: StoredReceipt): RlpItem {
  return [
    encodeStoredReceipt({ ...stored.receipt, bloom: noBloom }),
    stored.from,
    rlpUint(stored.gasUsed),
    rlpUint(stored.effectiveGasPrice),
    stored.contractAddress ?? emptyBytes,
    rlpUint(stored.logIndex),
    stored.l1Fee === undefined ? [] : feeItem(stored.l1Fee),
  ]
}

function parseReceipt(item: RlpItem): StoredReceipt {
  const fields = asList(item, 'stored receipt', 7)
  const receipt = decodeReceipt(asBytes(fields[0], 'receipt'))
  const contract = asBytes(fields[4], 'contract address')
  const fees = asList(fields[6], 'L1 fee')
  return {
    receipt: { ...receipt, bloom: logsBloom(receipt.logs) },
    from: asBytes(fields[1], 'from', 20),
    gasUsed: asUint(fields[2], 'gas used', 8),
    effectiveGasPrice: asUint(fields[3], 'gas price'),
    contractAddress: contract.length === 0 ? undefined : contract,
    logIndex: Number(asUint(fields[5], 'log index', 4)),
    l1Fee: fees.length === 0 ? undefined : parseFees(fees),
  }
}

const feeNames = [
  'l1GasPrice',
  'l1GasUsed',
  'l1Fee',
  'l1FeeScalar',
  'l1BaseFeeScalar',
  'l1BlobBaseFee',
  'l1BlobBaseFeeScalar',
  'operatorFeeScalar',
  'operatorFeeConstant',
  'daFootprintGasScalar',
  'blobGasUsed',
] as const satisfies readonly (keyof L1FeeFields)[]

/** Each field is a list: empty where the field is absent, which is not the same as 0. */
function feeItem(fees: L1FeeFields): RlpItem {
  return feeNames.map((name) => {
    const value = fees[name]
    return value === undefined ? [] : [rlpUint(value)]
  })
}

function parseFees(items: readonly RlpItem[]): L1FeeFields {
  const fees: Partial<Record<(typeof feeNames)[number], bigint>> = {}
  feeNames.forEach((name, i) => {
    const [value] = asList(items[i], name)
    if (value !== undefined) fees[name] = asUint(value, name)
  })
  return { l1GasPrice: 0n, l1GasUsed: 0n, l1Fee: 0n, ...fees }
}
