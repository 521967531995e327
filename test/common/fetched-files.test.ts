import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FetchedFiles } from '../../common/fetched-files.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'

const { signal } = new AbortController()
const file = (n: number, bytes = 10) => new Uint8Array(bytes).fill(n)
const served = new Map<Hex, Uint8Array>()
const put = (bytes: Uint8Array, name = contentHash(bytes)) => {
  served.set(name, bytes)
  return name
}

let dir: string
let server: Server
let asked = 0
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'openledger-fetched-'))
  served.clear()
  asked = 0
  server = createServer((request, response) => {
    asked++
    const bytes = served.get((request.url ?? '').slice('/content/'.length) as Hex)
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => {
  server.close()
  rmSync(dir, { recursive: true })
})

function open(limits: { readonly filesMax?: number; readonly bytesMax?: number } = {}): FetchedFiles {
  const urls = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`]
  return new FetchedFiles({ dir, urls, extension: '.one', filesMax: 3, ...limits })
}

test('a file is asked for once, however often and by how many it is wanted, and is there after a restart', async () => {
  const root = put(file(1))
  const files = open()
  expect(files.get(root)).toBeUndefined()
  const paths = await Promise.all([1, 2, 3].map(() => files.fetch(root, contentHash, signal)))
  expect(new Set(paths)).toEqual(new Set([join(dir, `${root}.one`)]))
  expect(await files.fetch(root, contentHash, signal)).toBe(paths[0])
  expect(open().get(root)).toBe(paths[0])
  expect(asked).toBe(1)
})

test('bytes of another root are not kept, and what nobody has is not asked for again at once', async () => {
  const files = open()
  const wanted = contentHash(file(1))
  put(file(2), wanted)
  for (let i = 0; i < 5; i++) expect(await files.fetch(wanted, contentHash, signal)).toBeUndefined()
  expect(await files.fetch(zeroHash, () => undefined, signal)).toBeUndefined()
  expect([asked, readdirSync(dir)]).toEqual([2, []])
})

test('what was not asked for the longest makes room, over restarts and by bytes too', async () => {
  const roots = [1, 2, 3, 4].map((n) => put(file(n)))
  const files = open()
  for (const root of roots.slice(0, 3)) await files.fetch(root, contentHash, signal)
  files.get(roots[0] as Hex)
  await open().fetch(roots[3] as Hex, contentHash, signal)
  expect(roots.map((root) => readdirSync(dir).includes(`${root}.one`))).toEqual([true, false, true, true])
  const large = put(file(5, 80))
  await open({ bytesMax: 95 }).fetch(large, contentHash, signal)
  expect(open().roots().length).toBe(2)
  expect(open().get(large)).toBeDefined()
})

test('a name that is no root leads nowhere', async () => {
  const files = open()
  const name = '0x../../secret' as Hex
  expect([files.get(name), await files.fetch(name, contentHash, signal), asked]).toEqual([undefined, undefined, 0])
})
