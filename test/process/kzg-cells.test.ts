import { createRequire } from 'node:module'
import { afterAll, describe, expect, test } from 'vitest'
import { KzgWorker } from '../../chain/tx/kzg.ts'
import { encodeBlob } from '../../protocol/blob-codec.ts'
import { bytesToHex } from '../../protocol/bytes.ts'

const hasNative = (() => {
  try {
    createRequire(import.meta.url)('c-kzg')
    return true
  } catch {
    return false
  }
})()

// Among the process tests because micro-eth-signer takes ten seconds for the 128 proofs.
describe.skipIf(!hasNative)('cell proofs (skipped where c-kzg is not compiled)', () => {
  const javascript = new KzgWorker({ library: 'javascript' })
  const native = new KzgWorker({ library: 'native' })
  afterAll(async () => {
    await javascript.stop()
    await native.stop()
  })

  test('c-kzg and micro-eth-signer make the same', async () => {
    const blob = encodeBlob(Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7) & 255))
    const [cells, nativeCells] = [await javascript.cellProofs(blob), await native.cellProofs(blob)]
    expect(cells).toHaveLength(128)
    expect(cells.map(bytesToHex)).toEqual(nativeCells.map(bytesToHex))
  })
})
