import { createRequire } from 'node:module'
import { afterAll, describe, expect, test } from 'vitest'
import { KzgWorker, versionedHash } from '../../../chain/tx/kzg.ts'
import { encodeBlob } from '../../../protocol/blob-codec.ts'
import { bytesToHex, equalBytes } from '../../../protocol/bytes.ts'

const hasNative = (() => {
  try {
    createRequire(import.meta.url)('c-kzg')
    return true
  } catch {
    return false
  }
})()

const blob = encodeBlob(Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7) & 255))
const javascript = new KzgWorker({ library: 'javascript' })
const native = new KzgWorker({ library: 'native' })
afterAll(async () => {
  await javascript.stop()
  await native.stop()
})

test('the versioned hash of the empty blob is the one every client knows', async () => {
  // The commitment to zero is the point at infinity.
  const commitment = await javascript.commitment(new Uint8Array(131_072))
  expect(bytesToHex(commitment)).toBe(`0xc0${'00'.repeat(47)}`)
  expect(versionedHash(commitment)).toBe('0x010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014')
})

test('a commitment does not hold up the event loop', async () => {
  const pending = javascript.commitment(blob)
  let turns = 0
  const timer = setInterval(() => turns++, 5)
  await pending
  clearInterval(timer)
  // It takes 0.6 s and more; were it done here, there would be no turn at all.
  expect(turns).toBeGreaterThan(5)
})

test('a blob that is none is an error, and the worker goes on', async () => {
  await expect(javascript.commitment(new Uint8Array(131_072).fill(0xff))).rejects.toMatchObject({ code: 'invalid' })
  expect(await javascript.commitment(new Uint8Array(131_072))).toHaveLength(48)
})

describe.skipIf(!hasNative)('c-kzg against micro-eth-signer (skipped where c-kzg is not compiled)', () => {
  test('both make the same commitment and proofs', async () => {
    const [a, b] = [await javascript.commitment(blob), await native.commitment(blob)]
    expect(equalBytes(a, b)).toBe(true)
    expect(equalBytes(await javascript.proof(blob, a), await native.proof(blob, b))).toBe(true)
  })
})

test('a stopped worker fails what waits, and starts again when asked', async () => {
  const worker = new KzgWorker({ library: 'javascript' })
  const waiting = worker.commitment(blob)
  await worker.stop()
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' })
  expect(await worker.commitment(new Uint8Array(131_072))).toHaveLength(48)
  await worker.stop()
})
