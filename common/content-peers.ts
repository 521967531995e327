import { contentBytesMax, contentChunkBytes, type RootOf } from './content-store.ts'

export type ContentPeersOptions = {
  /** Nodes that serve `GET /content/0x…`; asked in order. */
  readonly urls: readonly string[]
  /** For one peer, the whole file. */
  readonly timeoutMs: number
}

/** Content by its hash from other nodes. What a peer sends is checked: it can withhold a file and not forge one. */
export class ContentPeers {
  readonly #options: ContentPeersOptions
  readonly #rootOf: (...content: Parameters<RootOf>) => ReturnType<RootOf> | Promise<ReturnType<RootOf>>

  /** `rootOf` may take turns with other work. */
  constructor(
    options: ContentPeersOptions,
    rootOf: (...content: Parameters<RootOf>) => ReturnType<RootOf> | Promise<ReturnType<RootOf>>,
  ) {
    this.#options = options
    this.#rootOf = rootOf
  }

  /** The content, or undefined where no peer has it whole. `signal` ends the search. */
  async get(hash: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    for (const url of this.#options.urls) {
      if (signal.aborted) return undefined
      const bytes = await this.#from(url, hash, signal)
      if (bytes !== undefined && (await this.#rootOf(bytes, contentChunkBytes)) === hash) return bytes
    }
    return undefined
  }

  async #from(url: string, hash: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    // Not AbortSignal.any: Node 20 may collect it before it fires.
    const limit = new AbortController()
    const abort = () => limit.abort()
    const timer = setTimeout(abort, this.#options.timeoutMs)
    signal.addEventListener('abort', abort)
    try {
      const place = `${url.replace(/\/$/, '')}/content/${hash}`
      const response = await fetch(place, { signal: limit.signal, redirect: 'error' })
      if (response.status === 200 && response.body !== null) return await boundedBytes(response.body)
      await response.body?.cancel()
      return undefined
    } catch {
      // A peer that cannot be reached, is slow or breaks off has nothing for us now.
      return undefined
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }
}

/** All bytes of a body; undefined where they are more than any content has. */
async function boundedBytes(body: ReadableStream<Uint8Array>): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body) {
    length += part.length
    if (length > contentBytesMax) return undefined
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}
