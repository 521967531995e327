import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../../common/errors.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { chainFlags } from '../money/money-flags.ts'
import { asHash } from '../money/parsers.ts'
import { asJson, contentFlags, contentSource, rpcTimeoutMs, showProgress } from './sources.ts'

export const verify = defineCommand({
  summary:
    'Makes a published index again from the contents of its Datanet version and the tokenizer that it names, and compares the two. Exits with 1 where they differ: whoever pins an index does this first.',
  flags: {
    index: { help: 'the index (required)', value: 'HASH', parse: asHash },
    ...contentFlags,
    ...chainFlags,
  },
  run: async ({ flags, signal, print }) => {
    const { index: id, rpc: url, json } = flags
    if (id === undefined) throw new UsageError('--index is required')
    // Loaded when it is known what is wanted: help and wrong flags need none of it.
    const [
      { publishedIndex },
      { tokenizerOf, versionItems, versionTexts },
      { buildInFolder },
      { IndexFolder },
      { IndexError },
    ] = await Promise.all([
      import('../../chain/indexes/published-index.ts'),
      import('../../chain/indexes/version-content.ts'),
      import('../../chain/indexes/build-version-index.ts'),
      import('../../attribution/indexes/index-folder.ts'),
      import('../../attribution/indexes/index-error.ts'),
    ])
    const rpc = new HttpRpcClient({ url, timeoutMs: rpcTimeoutMs, signal })
    const published = await publishedIndex(rpc, id)
    if (published === undefined) throw new IndexError('unknown-index', `nobody published an index ${id}`)
    const { record } = published
    const source = await contentSource(flags, signal)
    const tokenizer = await tokenizerOf(record.tokenizerHash, source)
    const texts = await versionTexts(await versionItems(rpc, record, source), source)
    const dir = mkdtempSync(join(tmpdir(), 'openledger-index-'))
    try {
      const of = { datanet: record.datanet, version: record.version, tokenizer, texts }
      const built = await buildInFolder(new IndexFolder(dir), of, { signal, onProgress: showProgress })
      const fields = Object.keys(built.record) as (keyof typeof built.record)[]
      const differs = fields.filter((field) => built.record[field] !== record[field])
      if (json) print(asJson({ id, isRight: differs.length === 0, differs, published: record, built: built.record }))
      else for (const line of linesOf(id, record.n - record.documents, differs)) print(line)
      return differs.length === 0 ? exitCodes.ok : exitCodes.failed
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  },
})

function linesOf(id: string, tokens: number, differs: readonly string[]): string[] {
  if (differs.length === 0) return [`index ${id}: ${tokens} tokens, as its contents make it`]
  return [
    `index ${id} is not what its contents make: ${differs.join(', ')}`,
    'a node with the role watcher proves it false',
  ]
}
