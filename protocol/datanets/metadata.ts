import { canonicalBytes, type JsonObject } from '../jcs.ts'
import { ContentRefused } from './content-refused.ts'

/** Where a contribution comes from, what it is for, how its content is made up, and in what context it stands. */
export type ContributionMetadata = {
  readonly source: string
  readonly use: string
  readonly schema?: string
  readonly context?: string
}

/** The schema: each field is a text of 1 to `bytes` bytes of UTF-8. */
const fields: Readonly<Record<keyof ContributionMetadata, { readonly bytes: number; readonly isRequired: boolean }>> = {
  source: { bytes: 2_048, isRequired: true },
  use: { bytes: 1_024, isRequired: true },
  schema: { bytes: 1_024, isRequired: false },
  context: { bytes: 8_192, isRequired: false },
}

/** Throws ContentRefused `MISSING_FIELD`, `BAD_FIELD` or `UNKNOWN_FIELD`, naming the field. */
export function readMetadata(json: unknown): ContributionMetadata {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ContentRefused('BAD_FIELD', 'metadata is an object of source, use, schema and context')
  }
  const given = json as Readonly<Record<string, unknown>>
  const unknown = Object.keys(given).find((name) => !(name in fields))
  if (unknown !== undefined) throw new ContentRefused('UNKNOWN_FIELD', `metadata has no field ${unknown}`)
  for (const [name, { bytes, isRequired }] of Object.entries(fields)) {
    const value = given[name]
    if (value === undefined) {
      if (isRequired) throw new ContentRefused('MISSING_FIELD', `metadata must say its ${name}`)
    } else if (typeof value !== 'string' || value.trim() === '' || new TextEncoder().encode(value).length > bytes) {
      throw new ContentRefused('BAD_FIELD', `${name} must be a text of 1 to ${bytes} bytes`)
    }
  }
  return given as ContributionMetadata
}

/** The metadata document that `metaHash` is of: canonical JSON. Throws as {@link readMetadata}. */
export function metadataBytes(metadata: ContributionMetadata): Uint8Array {
  return canonicalBytes(readMetadata(metadata) as JsonObject)
}
