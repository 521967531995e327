import { ContentPeers } from '../../common/content-peers.ts'
import { ContentStore } from '../../common/content-store.ts'
import { CodedError, UsageError } from '../../common/errors.ts'
import { asHttpUrls, asText } from '../../common/flag-parsers.ts'
import { putContent } from '../../common/put-content.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { optional } from './action.ts'

/** Where files of batches and epochs are. */
export const contentArgs = {
  'content.dir': optional({ help: 'content store of a node on this machine', value: 'DIR', parse: asText }),
  node: optional({
    help: 'rollup RPC of nodes that serve /content',
    value: 'URL,…',
    parse: asHttpUrls,
    many: true,
  }),
}

type ContentValues = { readonly 'content.dir': string | undefined; readonly node: readonly string[] | undefined }

/** Nobody took the file. */
export class PublishError extends CodedError<'unpublished'> {}

const contentTimeoutMs = 30_000
/** Time for a node to see the block that names a file: until then it takes no such file. */
const publishMsMax = 60_000
const publishPollMs = 1_000

/** The directory and nodes that hold content. Throws UsageError where none is named. */
export class ContentPlaces {
  readonly #store: ContentStore | undefined
  readonly #urls: readonly string[]
  readonly #peers: ContentPeers

  constructor({ 'content.dir': dir, node = [] }: ContentValues) {
    if (dir === undefined && node.length === 0) throw new UsageError('give --content.dir or --node: where files are')
    this.#store = dir === undefined ? undefined : new ContentStore(dir, merkleRoot)
    this.#urls = node
    this.#peers = new ContentPeers({ urls: node, timeoutMs: contentTimeoutMs }, merkleRoot)
  }

  async get(hash: Hex, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#store?.get(hash) ?? (await this.#peers.get(hash, signal))
  }

  /** Puts a file into the directory, if there is one: before anybody looks for it. */
  keep(file: Uint8Array): void {
    this.#store?.put(file)
  }

  /** Gives a file that the chain names to the nodes. Throws {@link PublishError} where one does not take it. */
  async publish(hash: Hex, file: Uint8Array, signal: AbortSignal): Promise<string[]> {
    const lines: string[] = []
    for (const url of this.#urls) {
      await put(url, hash, file, signal)
      lines.push(`published ${file.length} bytes at ${url}`)
    }
    return lines
  }
}

async function put(url: string, hash: Hex, file: Uint8Array, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + publishMsMax
  for (;;) {
    const answer = await putContent(url, hash, file)
    if (answer === undefined) return
    if (Date.now() > deadline || signal.aborted) {
      throw new PublishError(
        'unpublished',
        `${url} does not take the file ${hash} (${answer}): publish it before the batch is challenged`,
      )
    }
    await new Promise((wake) => setTimeout(wake, publishPollMs))
  }
}
