import { createReadStream } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import type { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import type { Content } from '../../chain/ledger/content.ts'
import { isRequestFile, promptBytesMax, type RequestFileKind } from '../../chain/ledger/request-files.ts'
import { contentBytesMax } from '../../common/content-store.ts'
import type { HttpAnswer, HttpRoute } from '../../common/json-rpc-server.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** Files sent at once: each holds a descriptor and a socket, and a slow reader holds it long. */
const downloadsMax = 32
/** Files received at once: each is held in memory until its hash is known. */
const uploadsMax = 2

type Parts = {
  readonly content: Content
  /** Served by their ids. */
  readonly indexes: Pick<IndexFolder, 'place'>
  /** True for data that a batch or an epoch on chain names. */
  readonly isNamed: (hash: Hex) => boolean
  /** Which file of a request open on chain has that name. */
  readonly namedByRequest: (name: Hex) => RequestFileKind | undefined
}

/**
 * `GET /content/0x…`: the bytes of that content hash, or the index file of that index id, whole or by `Range: bytes=a-b`; who
 * reads checks the hash.
 * `PUT /content/0x…`: takes the data of a batch or epoch on chain that is not here yet, and what an open request there names, so that a
 * stranger cannot fill the disk.
 */
export function contentRoutes(parts: Parts): { readonly route: HttpRoute; readonly upload: HttpRoute } {
  let [downloads, uploads] = [0, 0]
  return {
    route: async (path, request) => {
      const hash = contentPath(path)
      const place = hash && (parts.content.store.place(hash) ?? parts.indexes.place(hash))
      if (place === undefined) return undefined
      if (place.bytes === 0) return { status: 200, contentType: 'application/octet-stream', body: '' }
      const range = rangeOf(request.headers.range, place.bytes)
      if (range === undefined) return refusal(416, `this content has ${place.bytes} bytes`)
      if (downloads >= downloadsMax) return refusal(503, 'too many downloads at once')
      downloads++
      const { start, end } = range
      const body = createReadStream(place.file, { start, end })
      body.on('close', () => downloads--)
      const isPart = request.headers.range !== undefined
      return {
        status: isPart ? 206 : 200,
        contentType: 'application/octet-stream',
        headers: {
          'content-length': String(end - start + 1),
          'accept-ranges': 'bytes',
          ...(isPart ? { 'content-range': `bytes ${start}-${end}/${place.bytes}` } : {}),
        },
        body,
      }
    },
    upload: async (path, request) => {
      const hash = contentPath(path)
      if (hash === undefined) return undefined
      if (parts.content.store.place(hash) !== undefined) return refusal(204, '')
      const kind = parts.namedByRequest(hash)
      if (kind === undefined && !parts.isNamed(hash)) {
        return refusal(403, 'no batch, epoch or open request on chain names this hash')
      }
      if (uploads >= uploadsMax) return refusal(503, 'too many uploads at once')
      uploads++
      try {
        const bytesMax = kind === undefined ? contentBytesMax : promptBytesMax
        const bytes = await bodyOf(request, bytesMax)
        // What was not read of the body would stand before the connection's next request.
        if (bytes === undefined) {
          return { ...refusal(413, `content may have ${bytesMax} bytes`), headers: { connection: 'close' } }
        }
        if (kind !== undefined && isRequestFile(kind, hash, bytes)) parts.content.store.keep(hash, bytes)
        else if (!(await parts.content.put(hash, bytes))) return refusal(422, 'this is not the data of the hash')
        return refusal(201, '')
      } finally {
        uploads--
      }
    },
  }
}

function contentPath(path: string): Hex | undefined {
  const [, hash] = /^\/content\/(0x[0-9a-f]{64})$/.exec(path) ?? []
  return hash as Hex | undefined
}

/** Undefined for a range that is none of the content's. */
function rangeOf(header: string | undefined, bytes: number): { start: number; end: number } | undefined {
  if (header === undefined) return { start: 0, end: bytes - 1 }
  const [, from, to] = /^bytes=(\d{1,12})-(\d{0,12})$/.exec(header) ?? []
  if (from === undefined) return undefined
  const [start, end] = [Number(from), to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1)]
  return start <= end ? { start, end } : undefined
}

/** Undefined past the limit. */
async function bodyOf(request: IncomingMessage, bytesMax: number): Promise<Uint8Array | undefined> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request) {
    length += (part as Buffer).length
    if (length > bytesMax) return undefined
    parts.push(part as Buffer)
  }
  return new Uint8Array(Buffer.concat(parts))
}

function refusal(status: number, text: string): HttpAnswer {
  return { status, contentType: 'text/plain', body: text === '' ? '' : `${text}\n` }
}
