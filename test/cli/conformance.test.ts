import { existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { parseLosslessJson } from '../../cli/conformance/lossless-json.ts'
import { runConformance } from '../../cli/conformance/run.ts'
import { expectEqual, expectThrows, type VectorRunner } from '../../cli/conformance/vector.ts'

const vectors = process.env['OPENLEDGER_VECTORS'] ?? '../shared/vectors'

/** Vectors of the pure formats; derivation, execution and genesis have tests of their own. */
describe.each(['protocol', 'l1-fees', 'p2p'])('vectors of %s', (folder) => {
  const dir = join(vectors, folder)
  test.skipIf(!existsSync(dir))(`all of ${folder} pass (needs OPENLEDGER_VECTORS)`, async () => {
    const lines: string[] = []
    const { failed, passed } = await runConformance(dir, (line) => lines.push(line))
    expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([])
    expect(failed).toBe(0)
    expect(passed).toBeGreaterThan(0)
  })
})

/** Milliseconds: KZG's setup alone takes seconds, where it could not be compiled every blob does. */
const kzgMsMax = 120_000

test(
  'the vectors recorded from op-geth, op-node and op-batcher pass',
  async () => {
    const lines: string[] = []
    const { passed } = await runConformance(resolve(import.meta.dirname, '../vectors'), (line) => lines.push(line))
    expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([])
    expect(passed).toBeGreaterThan(50)
  },
  kzgMsMax,
)

test(
  'a channel whose blobs carry another one fails',
  async () => {
    const file = resolve(import.meta.dirname, '../vectors/derivation/op-batcher-jovian-span-brotli-blobs.json.gz')
    const vector = JSON.parse(gunzipSync(readFileSync(file)).toString()) as { blobs: string[] }
    const blobs = vector.blobs.map((blob) => `${blob.slice(0, 80)}00${blob.slice(82)}`)
    const { lines } = await run({ 'derivation/a.json': JSON.stringify({ ...vector, blobs }) })
    expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([expect.stringContaining('blobs')])
  },
  kzgMsMax,
)

function folderOf(files: Record<string, string | Uint8Array>): string {
  const dir = mkdtempSync(join(tmpdir(), 'conformance-'))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), content)
  }
  return dir
}

async function run(files: Record<string, string | Uint8Array>, runners?: readonly VectorRunner[]) {
  const lines: string[] = []
  const counts = await runConformance(folderOf(files), (line) => lines.push(line), runners)
  return { ...counts, lines }
}

const sums: VectorRunner = {
  name: 'sums',
  matches: (folder, json) => folder === 'math' && typeof json === 'object' && json !== null && 'sums' in json,
  run: async (json, report) => {
    for (const [index, [a, b, sum]] of (json as { sums: number[][] }).sums.entries()) {
      await report.check(`sums[${index}]`, () => expectEqual((a ?? 0) + (b ?? 0), sum, 'sum'))
    }
  },
}

test('one line a vector, and the sum as last line', async () => {
  const file = JSON.stringify({
    sums: [
      [1, 2, 3],
      [1, 2, 4],
    ],
  })
  const { lines, passed, failed } = await run({ 'math/a.json': file, 'math/deep/b.json.gz': gzipSync(file) }, [sums])
  expect({ passed, failed }).toEqual({ passed: 2, failed: 2 })
  expect(lines).toEqual([
    'pass math/a.json sums[0]',
    'FAIL math/a.json sums[1]: sum: got 3, expected 4',
    'pass math/deep/b.json.gz sums[0]',
    'FAIL math/deep/b.json.gz sums[1]: sum: got 3, expected 4',
    '2 passed, 2 failed',
  ])
})

test('what cannot be run is a failure, never skipped', async () => {
  const { lines, failed } = await run(
    {
      'math/odd.json': '{"products":[]}',
      'math/none.json': '{"sums":[]}',
      'math/cut.json': '{"sums":',
      'math/bad.json.gz': 'x',
      'math/deep.json': '['.repeat(200_000),
    },
    [sums],
  )
  expect(failed).toBe(5)
  expect(lines.join('\n')).toMatch(/odd\.json file: unknown schema.*"math".*products/)
  expect(lines.join('\n')).toMatch(/none\.json sums: the file has no vector/)
  expect((await run({ 'readme.md': 'nothing' }, [sums])).failed).toBe(1)
  expect((await run({ 'derivation/odd.json': '{"cases":[null,5]}' })).lines.at(-1)).toBe('0 passed, 1 failed')
})

test('linked files and folders are run, a link that leads back ends', async () => {
  const elsewhere = folderOf({ 'math/a.json': '{"sums":[[1,2,3]]}' })
  const dir = folderOf({ 'math/b.json': '{"sums":[[2,2,4]]}' })
  symlinkSync(join(elsewhere, 'math'), join(dir, 'math', 'linked'))
  symlinkSync(dir, join(dir, 'math', 'loop'))
  symlinkSync(join(dir, 'nothing'), join(dir, 'math', 'lost.json'))
  const lines: string[] = []
  expect(await runConformance(dir, (line) => lines.push(line), [sums])).toEqual({ passed: 2, failed: 1 })
  expect(lines[2]).toMatch(/lost\.json file: cannot be read: ENOENT/)
})

test('only the table for people is skipped, and says so', async () => {
  const { lines } = await run({ 'genesis/all-chains-table.json': '[]', 'math/a.json': '{"sums":[[1,1,2]]}' }, [sums])
  expect(lines).toEqual([
    'skip genesis/all-chains-table.json: reference data',
    'pass math/a.json sums[0]',
    '1 passed, 0 failed',
  ])
})

test('an expectation that production code does not meet fails', async () => {
  const root = `0x${'11'.repeat(32)}`
  const { failed, lines } = await run({
    'protocol/o.json': JSON.stringify({
      cases: [{ stateRoot: root, messagePasserStorageRoot: root, blockHash: root, outputRoot: root }],
    }),
    'l1-fees/f.json': JSON.stringify({ flz: [{ input: '0x', size: 1 }] }),
    'p2p/p.json': JSON.stringify({ enr: { key: 'opstack', entries: [{ chainId: 1, version: 0, value: '0x0200' }] } }),
    'protocol/section.json': JSON.stringify({ holocene: [], somethingNew: [{ x: 1 }] }),
  })
  expect(lines.at(-1)).toBe(`1 passed, ${failed} failed`)
  expect(failed).toBe(4)
})

/** One block with one unprotected legacy transaction and none of an epoch's start, as span batch without version byte. */
const rawSpan = `0x0a64${'11'.repeat(20)}${'22'.repeat(20)}01000100`

test('a vector that must be refused fails where its bytes are accepted', async () => {
  const span = `0x0a64${'11'.repeat(20)}${'22'.repeat(20)}010000`
  const { lines } = await run({
    'derivation/a.json': JSON.stringify({ raw: rawSpan, expected: { error: 'cut short' } }),
    'derivation/b.json': JSON.stringify({ raw: span, error: 'none, in truth' }),
    'derivation/c.json': JSON.stringify({ channel: '0x28b52ffd', params: {}, expected: { error: 'zstd' } }),
  })
  expect(lines).toEqual([
    'pass derivation/a.json refused',
    expect.stringMatching(/^FAIL derivation\/b\.json refused: span batch: expected an error/),
    'pass derivation/c.json refused',
    '2 passed, 1 failed',
  ])
})

test('several vectors of one schema in a file are run one by one', async () => {
  const block = { timestamp: 1020, l1OriginNum: 100, parentHash: `0x${'11'.repeat(32)}`, transactions: [] }
  const one = { blocks: [{ ...block, l1OriginHash: `0x${'22'.repeat(32)}`, originBit: 1 }] }
  const params = { l2ChainId: 10, genesisL2Time: 1000, blockTime: 2 }
  const spanBatch = `0x0114 64 ${'11'.repeat(20)}${'22'.repeat(20)} 01 01 00`.replaceAll(' ', '')
  const { lines } = await run({
    'derivation/encode.json': JSON.stringify({
      params,
      cases: [
        { ...one, expected: { spanBatch } },
        { ...one, name: 'other', expected: { spanBatch: spanBatch.replace('010100', '010000') } },
      ],
    }),
  })
  expect(lines[0]).toBe('pass derivation/encode.json cases[0] span batch')
  expect(lines[3]).toMatch(/^FAIL derivation\/encode\.json cases\[1\] other span batch/)
  expect(lines.at(-1)).toBe('5 passed, 1 failed')
})

test('integers beyond a double keep every digit', () => {
  expect(
    parseLosslessJson('{"a":18446744073709551615,"b":"18446744073709551615","c":[1.5,-9007199254740993]}'),
  ).toEqual({
    a: 18_446_744_073_709_551_615n,
    b: '18446744073709551615',
    c: [1.5, -9_007_199_254_740_993n],
  })
  expect(parseLosslessJson('{"a\\"12345678901234567890":1}')).toEqual({ 'a"12345678901234567890': 1 })
})

test('a check that expects an error notices its absence', () => {
  expect(() => expectThrows(() => 7, 'parsing')).toThrow(/expected an error, got 7/)
})
