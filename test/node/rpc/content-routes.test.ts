import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Content, contentHashOf } from '../../../chain/ledger/content.ts'
import {
  fetchRequestFile,
  promptFile,
  promptTokens,
  type RequestFileKind,
} from '../../../chain/ledger/request-files.ts'
import { systemClock } from '../../../common/clock.ts'
import { ContentPeers } from '../../../common/content-peers.ts'
import { ContentStore } from '../../../common/content-store.ts'
import { RpcServer } from '../../../common/json-rpc-server.ts'
import { silentLog } from '../../../common/log.ts'
import { stopHash } from '../../../inference/answer/stops.ts'
import { contentRoutes } from '../../../node/rpc/content-routes.ts'
import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import { contentHash, merkleRoot } from '../../../protocol/content-hash.ts'
import { tokenListRoot } from '../../../protocol/token-list.ts'
import { stopFile } from '../../../worker/market/stop-file.ts'

const bytes = Uint8Array.from({ length: 5_000 }, (_, i) => i % 251)
const hash = contentHash(bytes)
const never = new AbortController().signal

describe('content over HTTP', () => {
  let dir: string
  let server: RpcServer
  let url: string
  let own: Content
  const named = new Set<Hex>()
  const ofRequests = new Map<Hex, RequestFileKind>()

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'content-'))
    own = contentIn('own', [])
    const routes = contentRoutes({
      content: own,
      indexes: { place: () => undefined },
      isNamed: (asked) => named.has(asked),
      namedByRequest: (asked) => ofRequests.get(asked),
    })
    server = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods: {}, log: silentLog, ...routes })
    url = `http://127.0.0.1:${await server.start()}`
  })
  afterAll(async () => {
    await server.stop()
    rmSync(dir, { recursive: true })
  })

  const contentIn = (name: string, urls: readonly string[]) =>
    new Content(
      new ContentStore(join(dir, name), merkleRoot),
      new ContentPeers({ urls, timeoutMs: 5_000 }, contentHashOf),
      systemClock,
    )
  const put = (of: Hex, body: Uint8Array) =>
    fetch(`${url}/content/${of}`, { method: 'PUT', body: new Blob([Uint8Array.from(body)]) })
  const get = (path: string, range?: string) =>
    fetch(`${url}${path}`, { headers: range === undefined ? {} : { range } })

  test('only what the chain names is taken, and only under its own hash', async () => {
    expect((await put(hash, bytes)).status).toBe(403)
    named.add(hash)
    expect((await put(hash, bytes.subarray(1))).status).toBe(422)
    expect(await own.own(hash)).toBeUndefined()
    expect((await put(hash, bytes)).status).toBe(201)
    expect((await put(hash, bytes)).status).toBe(204)
    expect(await own.own(hash)).toEqual(bytes)
  })

  test('what an open request names is taken under the root of its tokens, or the hash of its stop strings', async () => {
    const prompt = promptFile(Uint32Array.from({ length: 70 }, (_, i) => i * 1_000))
    const root = bytesToHex(tokenListRoot(promptTokens(prompt)))
    const stops = stopFile([Uint8Array.of(10), Uint8Array.of(10, 10)])
    const stopsHash = stopHash([Uint8Array.of(10), Uint8Array.of(10, 10)])
    for (const [name, kind, file] of [
      [root, 'prompt', prompt],
      [stopsHash, 'stops', stops],
    ] as const) {
      expect((await put(name, file)).status).toBe(403)
      ofRequests.set(name, kind)
      expect((await put(name, file.subarray(4))).status).toBe(422)
      expect((await put(name, new Uint8Array(2 ** 20))).status).toBe(413)
      expect((await put(name, file)).status).toBe(201)
      expect(await fetchRequestFile(kind, name, { urls: [url], signal: never })).toEqual(file)
    }
    expect(await fetchRequestFile('stops', root, { urls: [url], signal: never }), 'of another kind').toBeUndefined()
  })

  test('whole and in parts it is what was put', async () => {
    const whole = await get(`/content/${hash}`)
    expect(new Uint8Array(await whole.arrayBuffer())).toEqual(bytes)
    const part = await get(`/content/${hash}`, 'bytes=1000-1999')
    expect(part.status).toBe(206)
    expect(part.headers.get('content-range')).toBe('bytes 1000-1999/5000')
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.subarray(1000, 2000))
    expect(new Uint8Array(await (await get(`/content/${hash}`, 'bytes=4990-')).arrayBuffer())).toEqual(
      bytes.subarray(4990),
    )
    for (const wrong of ['bytes=5000-', 'bytes=9-3', 'bytes=a-b', 'bytes=0-1,4-5']) {
      expect((await get(`/content/${hash}`, wrong)).status).toBe(416)
    }
    const empty = own.store.put(new Uint8Array(0))
    expect((await (await get(`/content/${empty}`)).arrayBuffer()).byteLength).toBe(0)
    for (const path of [`/content/0x${'00'.repeat(32)}`, '/content/..%2f..%2fetc', '/content/']) {
      expect((await get(path)).status).toBe(404)
    }
  })

  test('a peer’s file is kept here; a damaged one of our own is fetched anew', async () => {
    const reader = contentIn('reader', [url])
    expect(await reader.own(hash)).toBeUndefined()
    expect(await reader.get(hash, never)).toEqual(bytes)
    expect(await reader.own(hash)).toEqual(bytes)
    writeFileSync(reader.store.place(hash)?.file ?? '', bytes.subarray(2))
    const again = contentIn('reader', [url])
    expect(await again.own(hash)).toBeUndefined()
    expect(await again.get(hash, never)).toEqual(bytes)
    expect(await again.own(hash)).toEqual(bytes)
  })
})
