import { copyFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { IndexFiles } from '../../../attribution/indexes/index-files.ts'
import { encodeIndexFile } from '../../../attribution/suffix/index-file.ts'
import { indexOfDocuments } from '../../fakes/suffix-texts.ts'

const [one, other] = [
  [1, 2, 3, 4],
  [7, 6, 5, 4, 3],
].map((tokens) => indexOfDocuments([tokens], 10)) as [
  ReturnType<typeof indexOfDocuments>,
  ReturnType<typeof indexOfDocuments>,
]

let dir: string
let folder: string
let files: IndexFiles

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'index-files-'))
  folder = join(dir, 'later')
  files = new IndexFiles(folder)
})
afterEach(() => {
  files.close()
  rmSync(dir, { recursive: true })
})

test('an index is found once it comes, into a folder that was not there, whatever its file is called', () => {
  expect(files.get(one.id)).toBeUndefined()
  mkdirSync(folder)
  expect(files.has(one.id)).toBe(false)
  writeFileSync(join(folder, 'one.oli'), encodeIndexFile(one))
  expect(files.has(one.id)).toBe(true)
  expect(files.get(one.id)?.record).toEqual(one.record)
  expect(files.get(other.id)).toBeUndefined()
})

test('a file that another one took the place of is not given for the first', () => {
  mkdirSync(folder)
  const path = join(folder, `${one.id}.oli`)
  writeFileSync(path, encodeIndexFile(one))
  expect(files.get(one.id)).toBeDefined()
  writeFileSync(path, encodeIndexFile(other))
  expect(files.get(one.id)).toBeUndefined()
  expect(files.get(other.id)?.record).toEqual(other.record)
})

test('what is no index, or one cut off, stands in nobody’s way', () => {
  mkdirSync(folder)
  writeFileSync(join(folder, 'a.oli'), 'a text')
  const cut = join(folder, 'b.oli')
  writeFileSync(cut, encodeIndexFile(one))
  truncateSync(cut, 300)
  expect(files.get(one.id)).toBeUndefined()
  writeFileSync(join(dir, 'whole'), encodeIndexFile(one))
  copyFileSync(join(dir, 'whole'), join(folder, 'c.oli'))
  expect(files.get(one.id)?.id).toBe(one.id)
})
