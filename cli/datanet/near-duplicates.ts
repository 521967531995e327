import { readFileSync } from 'node:fs'
import type { RetrievalDocument } from '../../attribution/retrieval/passages.ts'
import { UsageError } from '../../common/errors.ts'
import { asCount } from '../../common/flag-parsers.ts'
import type { FlagTable } from '../../common/flags.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { asJson, contentSource, rpcTimeoutMs } from '../index/sources.ts'
import { datanetFlags, versionRefs } from './datanet-flags.ts'

/** Files of one call. */
const filesMax = 1_000

const flags = {
  from: {
    help: 'similarity from which on, in hundredths of a per cent; below 5500 some may be missed, and an owner decides what is a copy',
    value: 'BPS',
    parse: asSimilarity,
    default: '5500',
  },
  ...datanetFlags,
} as const satisfies FlagTable

export const nearDuplicates = defineCommand({
  summary:
    'Lists contributions of Datanet versions that are near-duplicates of an earlier one; with FILEs, says of each whether it is one, and its simHash. Exits with 1 where a FILE is. docs/NEAR-DUPLICATES.md says what counts.',
  positionals: '[FILE…]',
  positionalsMax: filesMax,
  flags,
  run: async ({ flags: values, positionals: files, signal, print }) => {
    const refs = versionRefs(values.datanet)
    const { versionDocuments } = await import('./version-documents.ts')
    const rpc = new HttpRpcClient({ url: values.rpc, timeoutMs: rpcTimeoutMs, signal })
    const { documents } = await versionDocuments(refs, { rpc, ...(await contentSource(values, signal)) })
    const report = await reportOf(
      documents,
      files.map((path) => ({ path, content: readBytes(path) })),
      values.from,
    )
    if (values.json) print(asJson(report))
    else for (const line of linesOf(documents.length, report)) print(line)
    return report.files.some(({ original }) => original !== undefined) ? exitCodes.failed : exitCodes.ok
  },
})

type Report = {
  readonly found: readonly { readonly contribId: bigint; readonly original: bigint; readonly bps: number }[]
  readonly files: readonly {
    readonly path: string
    readonly simHash: string
    readonly original?: bigint
    readonly bps?: number
  }[]
}

/** Near-duplicates among documents, ascending by contribution, and of files with them. */
export async function reportOf(
  documents: readonly RetrievalDocument[],
  files: readonly { readonly path: string; readonly content: Uint8Array }[],
  from: number,
): Promise<Report> {
  const [{ NearDuplicateFinder }, { signatureHash, signatureOf }] = await Promise.all([
    import('../../attribution/near-duplicates/near-duplicates.ts'),
    import('../../attribution/near-duplicates/signature.ts'),
  ])
  const finder = new NearDuplicateFinder(from)
  const found = documents.flatMap(
    ({ contribId, content }) => finder.add({ contribId, signature: signatureOf(content) }) ?? [],
  )
  return {
    found,
    files: files.map(({ path, content }) => {
      const signature = signatureOf(content)
      return { path, simHash: signatureHash(signature), ...finder.find(signature) }
    }),
  }
}

function linesOf(documents: number, { found, files }: Report): string[] {
  const percent = (bps: number) => `${(bps / 100).toFixed(0)} %`
  return [
    ...found.map(
      ({ contribId, original, bps }) => `contribution ${contribId}: ${percent(bps)} contribution ${original}`,
    ),
    `${found.length} of ${documents} contributions are near-duplicates`,
    ...files.map(({ path, simHash, original, bps = 0 }) =>
      original === undefined ? `${path}: new, simHash ${simHash}` : `${path}: ${percent(bps)} contribution ${original}`,
    ),
  ]
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new UsageError(`cannot read ${path}`, { cause })
  }
}

function asSimilarity(text: string): number {
  const bps = asCount(text)
  if (bps < 1 || bps > 10_000) throw new Error('must be 1 to 10000')
  return bps
}
