import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { signatureHash, signatureOf } from '../../attribution/near-duplicates/signature.ts'
import { ContentStore } from '../../common/content-store.ts'
import { UsageError } from '../../common/errors.ts'
import { FormatError, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { ContentRefused } from '../../protocol/datanets/content-refused.ts'
import { batchItemsMax, batchRecordBytes, encodeBatchRecords } from '../../protocol/datanets/item-record.ts'
import { contributionOfFile, mediaTypes } from '../../protocol/datanets/media-types.ts'
import { metadataBytes } from '../../protocol/datanets/metadata.ts'
import { rowRuleHash, rowsOf } from '../../protocol/datanets/rows.ts'
import type { ChainAccess } from './action.ts'
import type { ItemValues } from './contribution-args.ts'

/** A contribution as the DatanetRegistry takes it; the bond in wei. */
export type ReadContribution = {
  readonly contentHash: Hex
  readonly simHash: Hex
  readonly consent: number
  readonly size: number
  readonly metaHash: Hex
  readonly bond: bigint
}

type Values = ItemValues & { readonly datanet: bigint }

type Reads = Pick<ChainAccess, 'read'>

/** Reads a file as the Datanet takes it, and keeps it in the content store. Throws UsageError with the refusal's name. */
export async function readContribution(values: Values, chain: Reads): Promise<ReadContribution> {
  const { mediaType, bond } = await datanetOf(values.datanet, chain)
  return refusing(() => {
    const bytes = contributionOfFile(mediaType, basename(values.file), readFile(values.file))
    const store = storeOf(values)
    const simHash = mediaType === 'text' ? signatureHash(signatureOf(bytes)) : zeroHash
    const contentHash = keep(store, bytes)
    return {
      contentHash,
      simHash,
      consent: values.consent,
      size: bytes.length,
      metaHash: keepMeta(store, values),
      bond,
    }
  })
}

/** The same of an item, which has to be unlike earlier ones as far as these are in the content store. */
export async function readItem(values: Values, chain: ChainAccess): Promise<ReadContribution> {
  const contribution = await readContribution(values, chain)
  const [datanet, store] = [values.datanet, storeOf(values)]
  if (store === undefined || contribution.simHash === zeroHash) return contribution
  const { requireOriginal } = await import('./require-original.ts')
  try {
    await requireOriginal(contribution.contentHash, datanet, store, chain)
  } catch (cause) {
    throw asUsage(cause)
  }
  return contribution
}

/** Reads a file as the rows of one batch; equal rows are one. */
export async function readRows(
  values: Values,
  chain: Reads,
): Promise<{
  readonly root: Hex
  readonly count: number
  readonly size: number
  readonly metaHash: Hex
  readonly bond: bigint
}> {
  const { mediaType, bond } = await datanetOf(values.datanet, chain)
  return refusing(() => {
    const store = storeOf(values)
    contributionOfFile(mediaType, basename(values.file), readFile(values.file))
    const rows = new Map(
      rowsOf(values.file, readFile(values.file)).map((bytes) => {
        const item = { simHash: signatureHash(signatureOf(bytes)), consent: values.consent, size: bytes.length }
        const contentHash = keep(store, bytes)
        return [contentHash, { contentHash, ...item }] as const
      }),
    )
    const items = [...rows.values()]
    if (items.length === 0 || items.length > batchItemsMax) {
      throw new ContentRefused(
        'TOO_LARGE',
        `${values.file} has ${items.length} rows; a batch has 1 to ${batchItemsMax}`,
      )
    }
    const records = encodeBatchRecords(items)
    const root = store?.putRecords(records, batchRecordBytes) ?? merkleRoot(records, batchRecordBytes)
    const size = items.reduce((sum, item) => sum + item.size, 0)
    const metaHash = keepMeta(store, { ...values, schema: values.schema ?? `rows ${rowRuleHash}` })
    return { root, count: items.length, size, metaHash, bond: bond * BigInt(items.length) }
  })
}

async function datanetOf(id: bigint, chain: Reads) {
  type Read = { readonly mediaType: number; readonly bondPerItem: bigint }
  const { mediaType, bondPerItem } = (await chain.read('DatanetRegistry', 'datanets', [id])) as Read
  return { mediaType: mediaTypes[mediaType] ?? 'text', bond: bondPerItem }
}

function storeOf({ 'content.dir': dir }: Values): ContentStore | undefined {
  return dir === undefined ? undefined : new ContentStore(dir, merkleRoot)
}

function keep(store: ContentStore | undefined, bytes: Uint8Array): Hex {
  return store?.put(bytes) ?? merkleRoot(bytes, 1024)
}

function keepMeta(store: ContentStore | undefined, { source, use, schema, context }: Values): Hex {
  const optionals = { ...(schema === undefined ? {} : { schema }), ...(context === undefined ? {} : { context }) }
  return keep(store, metadataBytes({ source, use, ...optionals }))
}

function refusing<T>(make: () => T): T {
  try {
    return make()
  } catch (cause) {
    throw asUsage(cause)
  }
}

function asUsage(cause: unknown): unknown {
  return cause instanceof FormatError ? new UsageError(cause.message, { cause }) : cause
}

function readFile(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path))
  } catch (cause) {
    throw new UsageError(`cannot read ${path}`, { cause })
  }
}
