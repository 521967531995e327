import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { attribute } from '../../../attribution/suffix/attribute.ts'
import { buildIndex } from '../../../attribution/suffix/build-index.ts'
import { checkIndexRoots, decodeIndexFile, encodeIndexFile, IndexFile } from '../../../attribution/suffix/index-file.ts'
import { type FileBuild, finishIndexFile, IndexFileText } from '../../../attribution/suffix/index-file-builder.ts'
import { decodeIndexRecord, encodeIndexRecord } from '../../../attribution/suffix/index-record.ts'
import { Random } from '../../fakes/random.ts'
import { hardTexts, stitchedAnswer, subjectOf, textOf } from '../../fakes/suffix-texts.ts'

const dir = mkdtempSync(join(tmpdir(), 'openledger-suffix-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const random = new Random(31)
const documents = random.list(60, () => random.list(random.int(200), () => random.int(30)))
const index = buildIndex(textOf(documents, 30), subjectOf(30))
const file = encodeIndexFile(index)

function written(
  name: string,
  options: Partial<FileBuild> = {},
): FileBuild & { text: ReturnType<IndexFileText['end']> } {
  const build = { path: join(dir, name), shardTokens: 1000, cacheBytes: 4096, ...options }
  const writer = new IndexFileText(build.path, 30)
  for (const [i, tokens] of documents.entries()) writer.add({ contribId: BigInt(i + 1), tokens })
  return { ...build, text: writer.end() }
}

describe('index files', () => {
  test('read back as the index that was written, with the same roots', () => {
    const read = decodeIndexFile(file)
    expect(read.record).toEqual(index.record)
    checkIndexRoots(read, subjectOf(30).tokenLengths)
    expect(encodeIndexFile(read)).toEqual(file)
  })

  test.each([100_000, 4000, 900, 10])(
    'built on disk %i tokens at a time they are the same to the byte',
    (shardTokens) => {
      const { text, ...build } = written('same.idx', { shardTokens })
      expect(finishIndexFile(build, text, subjectOf(30))).toEqual(index.record)
      expect(readFileSync(build.path).equals(file)).toBe(true)
      expect(readdirSync(dir)).toEqual(['same.idx'])
      rmSync(build.path)
    },
  )

  test('hard texts come out of the disk as out of memory', () => {
    for (const hard of Object.values(hardTexts)) {
      const build = { path: join(dir, 'hard.idx'), shardTokens: 100, cacheBytes: 4096 }
      const writer = new IndexFileText(build.path, 2)
      for (const [i, tokens] of hard.entries()) writer.add({ contribId: BigInt(i + 1), tokens })
      finishIndexFile(build, writer.end(), subjectOf(2))
      expect(readFileSync(build.path).equals(encodeIndexFile(buildIndex(textOf(hard, 2), subjectOf(2))))).toBe(true)
    }
    rmSync(join(dir, 'hard.idx'))
  })

  test('answers are attributed from disk as from memory, through a cache of one page', () => {
    const path = join(dir, 'query.idx')
    writeFileSync(path, file)
    const onDisk = IndexFile.open(path, 4096)
    try {
      for (let i = 0; i < 5; i++) {
        const answer = stitchedAnswer(random, documents, 30)
        expect(attribute([onDisk.index], answer)).toEqual(attribute([index], answer))
      }
      checkIndexRoots(onDisk.index, subjectOf(30).tokenLengths)
    } finally {
      onDisk.close()
      rmSync(path)
    }
  })

  test('a byte changed in any table does not lead to the record', () => {
    for (let at = 224; at < file.length; at += 1009) {
      const changed = file.slice()
      changed[at] = (changed[at] as number) ^ 1
      let code: unknown
      try {
        checkIndexRoots(decodeIndexFile(changed), subjectOf(30).tokenLengths)
      } catch (error) {
        code = (error as { code?: unknown }).code
      }
      expect(['root', 'format', 'size']).toContain(code)
    }
  })

  test.each([
    ['cut off', file.subarray(0, -1)],
    ['with a byte left over', Uint8Array.of(...file, 0)],
    ['of another kind', Uint8Array.of(0, ...file.subarray(1))],
    ['of no bytes', new Uint8Array(0)],
  ])('a file %s is refused by name, in memory and on disk', (name, bytes) => {
    expect(() => decodeIndexFile(bytes)).toThrow(expect.objectContaining({ code: 'format' }))
    const path = join(dir, `${name}.idx`)
    writeFileSync(path, bytes)
    expect(() => IndexFile.open(path)).toThrow(expect.objectContaining({ code: 'format' }))
    rmSync(path)
  })

  test('a build that fails leaves no files', () => {
    const { text, ...build } = written('failed.idx')
    expect(() => finishIndexFile(build, { ...text, starts: [], contribIds: [] }, subjectOf(30))).toThrow()
    expect(readdirSync(dir)).toEqual([])
  })

  test('a document that does not fit is refused by name, and the others stay', () => {
    const path = join(dir, 'refused.idx')
    const writer = new IndexFileText(path, 3)
    writer.add({ contribId: 1n, tokens: [1, 2] })
    expect(() => writer.add({ contribId: 2n, tokens: [3] })).toThrow(expect.objectContaining({ code: 'token' }))
    expect(() => writer.add({ contribId: 1n, tokens: [1] })).toThrow(expect.objectContaining({ code: 'order' }))
    expect(writer.end()).toEqual({ starts: [0], contribIds: [1n], n: 3 })
    rmSync(`${path}.part`)
  })
})

describe('index records', () => {
  test('read back, and are refused by name when cut or impossible', () => {
    const bytes = encodeIndexRecord(index.record)
    expect(bytes).toHaveLength(216)
    expect(decodeIndexRecord(bytes)).toEqual(index.record)
    expect(() => decodeIndexRecord(bytes.subarray(1))).toThrow(expect.objectContaining({ code: 'format' }))
    const noTokens = encodeIndexRecord({ ...index.record, n: index.record.documents })
    expect(() => decodeIndexRecord(noTokens)).toThrow(expect.objectContaining({ code: 'size' }))
  })
})
