import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { ContentPeers } from '../../common/content-peers.ts'
import { contentBytesMax } from '../../common/content-store.ts'
import { contentHash, merkleRoot } from '../../protocol/content-hash.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function peer(answer: (url: string) => { status: number; body?: Uint8Array; repeat?: number } | undefined) {
  const server = createServer(async (request, response) => {
    const found = answer(request.url ?? '')
    if (found === undefined) return
    response.writeHead(found.status)
    for (let i = 0; i < (found.repeat ?? 1) && !response.destroyed; i++) {
      if (!response.write(found.body ?? '')) await new Promise((resolve) => response.once('drain', resolve))
    }
    response.end()
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const bytes = new TextEncoder().encode('what the chain names')
const hash = contentHash(bytes)
const never = new AbortController().signal
const get = (urls: string[], signal = never, timeoutMs = 5_000) =>
  new ContentPeers({ urls, timeoutMs }, merkleRoot).get(hash, signal)

test('the first peer that has the content gives it', async () => {
  const asked: string[] = []
  const without = await peer((url) => {
    asked.push(url)
    return { status: 404 }
  })
  const having = await peer((url) => {
    asked.push(url)
    return { status: 200, body: bytes }
  })
  expect(await get(['http://127.0.0.1:1', without, `${having}/`])).toEqual(bytes)
  expect(asked).toEqual([`/content/${hash}`, `/content/${hash}`])
})

test('a forged file is passed over for the right one', async () => {
  const forger = await peer(() => ({ status: 200, body: new TextEncoder().encode('forged') }))
  const honest = await peer(() => ({ status: 200, body: bytes }))
  expect(await get([forger, honest])).toEqual(bytes)
  expect(await get([forger])).toBeUndefined()
})

test('a file larger than any content is cut off and not kept in memory', async () => {
  const chunk = new Uint8Array(1024 * 1024)
  const flood = await peer(() => ({ status: 200, body: chunk, repeat: contentBytesMax / chunk.length + 10 }))
  expect(await get([flood])).toBeUndefined()
})

test('a silent peer costs its time limit, and an aborted search ends at once', async () => {
  const silent = await peer(() => undefined)
  expect(await get([silent], never, 50)).toBeUndefined()
  const stopping = new AbortController()
  const search = get([silent], stopping.signal, 60_000)
  stopping.abort()
  expect(await search).toBeUndefined()
})
