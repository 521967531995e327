import { UsageError } from '../../common/errors.ts'
import type { FlagTable } from '../../common/flags.ts'
import { contentFlags } from '../index/sources.ts'
import { chainFlags } from '../money/money-flags.ts'
import { asModelRef as asVersionRef } from '../money/parsers.ts'

/** Which Datanet versions are read, and from where. */
export const datanetFlags = {
  datanet: {
    help: 'Datanets and versions, as 1.2,4; 4 is version 1 of Datanet 4 (required)',
    value: 'ID[.VERSION],…',
    parse: (text: string) => text.split(',').map((part) => asVersionRef(part.trim())),
  },
  ...contentFlags,
  ...chainFlags,
} as const satisfies FlagTable

type Refs = readonly { readonly id: bigint; readonly version: number }[]

/** Throws UsageError for none, and for one twice. */
export function versionRefs(refs: Refs | undefined): { readonly datanet: bigint; readonly version: number }[] {
  if (refs === undefined) throw new UsageError('--datanet is required')
  if (new Set(refs.map(({ id, version }) => `${id}.${version}`)).size !== refs.length) {
    throw new UsageError('--datanet names a version twice')
  }
  return refs.map(({ id, version }) => ({ datanet: id, version }))
}
