import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { IndexFolder } from '../../../attribution/indexes/index-folder.ts'

const dir = mkdtempSync(join(tmpdir(), 'openledger-index-folder-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** For the disk to do what it was told of before. */
const diskMs = 200

test('what is received in vain leaves no file behind, however late the disk makes it', async () => {
  const folder = new IndexFolder(dir)
  for (let time = 0; time < 20; time += 1) {
    const tooLong = folder.receive(Readable.from([new Uint8Array(11)]), 10, new AbortController().signal)
    await expect(tooLong).rejects.toMatchObject({ code: 'too-long' })
    const given = folder.receive(Readable.from([new Uint8Array(10)]), 10, AbortSignal.abort())
    await expect(given).rejects.toMatchObject({ name: 'AbortError' })
  }
  await delay(diskMs)
  expect(readdirSync(dir)).toEqual([])
})
