import type { IndexProgress } from '../../attribution/indexes/index-jobs.ts'
import type { ContentSource } from '../../chain/indexes/version-content.ts'
import { UsageError } from '../../common/errors.ts'
import { asText } from '../../common/flag-parsers.ts'
import type { FlagTable } from '../../common/flags.ts'
import { asUrlList } from '../worker/lists.ts'

export const rpcTimeoutMs = 20_000

/** Where contents and tokenizers are. */
export const contentFlags = {
  'content.dir': {
    help: 'content store of a node on this machine; what is fetched is kept there',
    value: 'DIR',
    parse: asText,
  },
  node: {
    help: 'rollup RPCs of nodes that serve /content',
    value: 'URL,…',
    parse: asUrlList,
    many: true,
    default: '',
  },
} as const satisfies FlagTable

type ContentValues = { readonly 'content.dir': string | undefined; readonly node: readonly string[] }

/** Throws UsageError without a directory: texts are read from files. */
export async function contentSource(
  { 'content.dir': dir, node }: ContentValues,
  signal: AbortSignal,
): Promise<ContentSource> {
  if (dir === undefined)
    throw new UsageError('give --content.dir: where the contents are, or are kept once --node has them')
  const [{ ContentStore }, { merkleRoot }] = await Promise.all([
    import('../../common/content-store.ts'),
    import('../../protocol/content-hash.ts'),
  ])
  return { content: new ContentStore(dir, merkleRoot), peers: node, signal }
}

/** On standard error, one line that is written over. */
export function showProgress({ items, of, tokens }: IndexProgress): void {
  if (!process.stderr.isTTY) return
  process.stderr.write(`\r${items} of ${of} texts, ${tokens} tokens${items === of ? '\n' : ''}`)
}

/** Amounts as decimal texts. */
export function asJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item))
}
