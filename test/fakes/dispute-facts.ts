import type { BatchFacts } from '../../attribution/epochs/batch-facts.ts'
import { encodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchFileOf } from '../../attribution/epochs/batch-rows.ts'
import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { appCode, appOwner, type Draft, datanets, modelOwner, royaltyRows, terms } from './dispute-batch.ts'

const author: Hex = `0x${'00aa'.repeat(10)}`
const heir = royaltyRows[1]?.id ?? zeroAddress

/** What {@link answerTerms} has the registries say at `now`. */
export function disputeFacts(now: bigint): BatchFacts {
  const { modelVersion, priceVersion, sharesVersion } = terms
  const inForce = { ...terms.price, sharesVersion, setAt: now, validUntil: now }
  const prices = new Map<string, typeof inForce>([
    [`${terms.class} ${priceVersion}`, inForce],
    [`1 ${priceVersion}`, inForce],
    [`${terms.class} 4`, { ...inForce, setAt: now + 1n, validUntil: now + 9n }],
    [`${terms.class} 2`, { ...inForce, setAt: now - 9n, validUntil: now - 1n }],
  ])
  const { royaltyHash, indexSetHash } = terms
  const contributions = new Map([
    [11n, author],
    [12n, author],
    [13n, heir],
  ])
  return {
    chainId: 901n,
    price: async (model, kind, version) => (model === modelVersion ? prices.get(`${kind} ${version}`) : undefined),
    shares: async () => terms.shares,
    model: async (model) =>
      model === modelVersion ? { royaltyHash, indexSetHash } : { royaltyHash: zeroHash, indexSetHash: zeroHash },
    algoInForce: async (algoHash) => algoHash === algoHashV1,
    royaltyRows: async () => royaltyRows,
    modelPayee: async (id) => (id === 7n ? modelOwner : zeroAddress),
    codePayee: async (code) => (code === appCode ? appOwner : zeroAddress),
    contributionPayee: async (id) => contributions.get(id) ?? zeroAddress,
    datanets: async () => datanets,
    earlierReceipt: async () => undefined,
  }
}

/** The file that a worker publishes for these receipts. */
export function draftsFile(drafts: readonly Draft[]): Uint8Array {
  return encodeBatchFile(batchFileOf(drafts.map(fileReceipt)))
}

/** A receipt as the file of its batch has it. */
export function fileReceipt({
  receipt,
  sums,
  request,
  payment,
  voucher,
  signature,
  cut,
  entries,
  tokens,
}: Draft): BatchReceipt {
  const cancel = cut && { value: cut.cancel, signature: cut.signature.bytes }
  return {
    ...{ receipt, sums, request },
    payment: payment === zeroHash ? undefined : { voucher: { value: voucher, signature: signature.bytes }, cancel },
    entries: entries.map((entry) => ({ ...entry, weight: BigInt(entry.weight) })),
    prompt: new Uint32Array(tokens.prompt),
    output: new Uint32Array(tokens.output),
  }
}
