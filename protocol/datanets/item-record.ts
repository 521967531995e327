import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes, uintBytes } from '../bytes.ts'
import { domainSeparator, hashStruct, typedDigest } from '../eip712.ts'

/** `contentHash 32 ‖ simHash 32 ‖ consent u16 ‖ size u32`: a leaf of a batch, where size is that of all items up to this one. */
export const batchRecordBytes = 70

/** Items of one batch; docs/DATANETS.md §2. */
export const batchItemsMax = 65_536

/** What a contribution commits to; `size` in bytes. */
export type ItemRecord = {
  readonly contentHash: Hex
  readonly simHash: Hex
  readonly consent: number
  readonly size: number
}

/** The list of a batch. Throws FormatError for none, too many, and more bytes than a u32 counts. */
export function encodeBatchRecords(items: readonly ItemRecord[]): Uint8Array {
  if (items.length === 0 || items.length > batchItemsMax) throw new FormatError(`a batch of ${items.length} items`)
  let end = 0
  return concatBytes(
    ...items.map(({ contentHash, simHash, consent, size }) => {
      end += size
      if (end > 0xffff_ffff) throw new FormatError('the items of a batch are more than 4 GiB')
      return concatBytes(hexToBytes(contentHash), hexToBytes(simHash), uintBytes(consent, 2), uintBytes(end, 4))
    }),
  )
}

/** Item `index` of a batch's list with its own size. Throws FormatError where it is not there or ends before it begins. */
export function batchRecord(records: Uint8Array, index: number): ItemRecord {
  const record = batchLeaf(records, index)
  const size = record.size - (index === 0 ? 0 : endOf(records, index - 1))
  if (size < 0) throw new FormatError(`item ${index} ends before it begins`)
  return { ...record, size }
}

/** The same as it stands there: `size` is where it ends. Throws FormatError where it is not there. */
export function batchLeaf(records: Uint8Array, index: number): ItemRecord {
  const record = records.subarray(index * batchRecordBytes, (index + 1) * batchRecordBytes)
  if (record.length !== batchRecordBytes) throw new FormatError(`no item ${index} in a list of ${records.length} bytes`)
  return {
    contentHash: bytesToHex(record.subarray(0, 32)),
    simHash: bytesToHex(record.subarray(32, 64)),
    consent: new DataView(record.buffer, record.byteOffset).getUint16(64),
    size: endOf(records, index),
  }
}

/** The digest that an author signs for a contribution without gas; `verifyingContract` is the DatanetRelay. */
export function contributionDigest(
  chainId: bigint,
  verifyingContract: Hex,
  contribution: ItemRecord & {
    readonly author: Hex
    readonly datanet: bigint
    readonly metaHash: Hex
    readonly nonce: bigint
    readonly deadline: bigint
  },
): Uint8Array {
  const domain = domainSeparator({ name: 'OpenLedger Datanets', version: '1', chainId, verifyingContract })
  return typedDigest(domain, hashStruct(contributionTypes, 'Contribution', contribution))
}

const contributionTypes = {
  Contribution: [
    ['author', 'address'],
    ['datanet', 'uint64'],
    ['contentHash', 'bytes32'],
    ['simHash', 'bytes32'],
    ['consent', 'uint16'],
    ['size', 'uint32'],
    ['metaHash', 'bytes32'],
    ['nonce', 'uint64'],
    ['deadline', 'uint64'],
  ],
} as const

function endOf(records: Uint8Array, index: number): number {
  return new DataView(records.buffer, records.byteOffset).getUint32(index * batchRecordBytes + 66)
}
