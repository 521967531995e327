import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { KzgWorker, versionedHash } from '../../../chain/tx/kzg.ts'
import { checkBlock, checkHeader } from '../../../node/l1/l1-block-check.ts'
import { bytesToHex, hexToBytes } from '../../../protocol/bytes.ts'

const folder = join(resolve(process.env['OPENLEDGER_VECTORS'] ?? '../shared/vectors'), 'l1')
const read = (name: string): unknown => JSON.parse(gunzipSync(readFileSync(join(folder, name))).toString('utf8'))

type BlockCase = { readonly name: string; readonly valid: boolean; readonly block: Record<string, unknown> }

describe.skipIf(!existsSync(folder))('L1 vectors (skipped without OPENLEDGER_VECTORS)', () => {
  test('real headers and blocks pass, tampered ones are refused', () => {
    const { headers, blocks } = read('l1-rpc-blocks.json.gz') as { headers: BlockCase[]; blocks: BlockCase[] }
    const verdict = (check: () => unknown) => {
      try {
        return check() !== undefined
      } catch {
        return false
      }
    }
    const actual = [
      ...headers.map(({ name, block }) => [name, verdict(() => checkHeader(block, { trust: false }))]),
      ...blocks.map(({ name, block }) => [name, verdict(() => checkBlock(block, { trust: false }))]),
    ]
    expect(actual).toEqual([...headers, ...blocks].map(({ name, valid }) => [name, valid]))
  })

  test('commitments recomputed from real blobs are those of the beacon chain', async () => {
    const vector = JSON.stringify(read('beacon-blob-sidecars-goerli-7422094.json.gz'))
    const sidecars = [...vector.matchAll(/"blob":"(0x[0-9a-f]+)","kzg_commitment":"(0x[0-9a-f]+)"/g)].slice(0, 2)
    expect(sidecars.length).toBeGreaterThan(0)
    const kzg = new KzgWorker()
    for (const [, blob = '', commitment = ''] of sidecars) {
      const computed = await kzg.commitment(hexToBytes(blob))
      expect(bytesToHex(computed)).toBe(commitment)
      expect(versionedHash(computed)).toBe(versionedHash(hexToBytes(commitment)))
    }
    await kzg.stop()
  }, 60_000)
})
