import type { RetrievalDocument } from '../../attribution/retrieval/passages.ts'
import type { Citation } from '../../attribution/retrieval/retrieval-index.ts'
import { UsageError } from '../../common/errors.ts'
import { asCount, oneOf } from '../../common/flag-parsers.ts'
import type { FlagTable } from '../../common/flags.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { asJson, contentSource, rpcTimeoutMs } from '../index/sources.ts'
import { datanetFlags, versionRefs } from './datanet-flags.ts'

const flags = {
  by: {
    help: 'rank by words (BM25), by vectors, or by both',
    value: 'RULE',
    parse: oneOf('words', 'vectors', 'both'),
    default: 'both',
  },
  most: { help: 'passages, at most 10', value: 'N', parse: asCount, default: '5' },
  ...datanetFlags,
} as const satisfies FlagTable

export const search = defineCommand({
  summary:
    'Searches the texts of Datanet versions and prints passages with the contribution and the characters of it that they are, and the hash of the receipt of this retrieval. Whoever searches the same versions finds the same.',
  positionals: 'QUERY',
  positionalsMax: 1,
  flags,
  run: async ({ flags: values, positionals: [query], signal, print }) => {
    if (query === undefined) throw new UsageError('give the QUERY')
    const refs = versionRefs(values.datanet)
    // Loaded when it is known what is wanted: help and wrong flags need none of it.
    const [{ RetrievalIndex }, { queryHashOf, retrievalHash }, { versionDocuments }] = await Promise.all([
      import('../../attribution/retrieval/retrieval-index.ts'),
      import('../../attribution/retrieval/retrieval-receipt.ts'),
      import('./version-documents.ts'),
    ])
    const rpc = new HttpRpcClient({ url: values.rpc, timeoutMs: rpcTimeoutMs, signal })
    const { versions, documents } = await versionDocuments(refs, { rpc, ...(await contentSource(values, signal)) })
    const citations = new RetrievalIndex(documents).search(query, values.by, values.most)
    const hash = retrievalHash({ rule: values.by, queryHash: queryHashOf(query), versions, citations })
    const resolved = await resolve(citations, documents)
    if (values.json) print(asJson({ retrieval: hash, citations: resolved }))
    else for (const line of linesOf(hash, resolved)) print(line)
    return exitCodes.ok
  },
})

/** A citation with its text and where it stands in characters. */
export type ResolvedCitation = Citation & { readonly characters: readonly [number, number]; readonly text: string }

/** Looks citations up in the contents that were searched. */
export async function resolve(
  citations: readonly Citation[],
  documents: readonly RetrievalDocument[],
): Promise<ResolvedCitation[]> {
  const { characterRange } = await import('../../attribution/retrieval/passages.ts')
  const contentOf = new Map(documents.map(({ contribId, content }) => [contribId, content]))
  return citations.map((citation) => {
    const content = contentOf.get(citation.contribId) ?? new Uint8Array(0)
    const text = new TextDecoder().decode(content.subarray(citation.start, citation.end))
    return { ...citation, characters: characterRange(content, citation), text }
  })
}

function linesOf(hash: string, citations: readonly ResolvedCitation[]): string[] {
  if (citations.length === 0) return ['nothing found']
  const lines = citations.flatMap(({ contribId, characters: [from, to], text }, i) => [
    `[${i + 1}] contribution ${contribId}, characters ${from} to ${to}`,
    `    ${text.replaceAll(/\s+/g, ' ')}`,
  ])
  return [...lines, `retrieval ${hash}`]
}
