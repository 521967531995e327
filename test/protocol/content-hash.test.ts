import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToHex, concatBytes, FormatError, uintBytes } from '../../protocol/bytes.ts'
import { contentHash, contentHashInTurns, merkleRoot, proveChunk, verifyChunk } from '../../protocol/content-hash.ts'
import { bytesUpTo } from '../fakes/arbitraries.ts'

const sha256 = (...parts: Uint8Array[]) =>
  new Uint8Array(
    createHash('sha256')
      .update(concatBytes(...parts))
      .digest(),
  )
const leaf = (index: number, chunk: Uint8Array) => sha256(Uint8Array.of(0), uintBytes(index, 4), chunk)
const node = (left: Uint8Array, right: Uint8Array) => sha256(Uint8Array.of(1), left, right)

/** A second implementation, straight from the words: a perfect tree, absent leaves 32 zero bytes. */
function slowRoot(chunks: readonly Uint8Array[]): Uint8Array {
  let level = chunks.map((chunk, index) => leaf(index, chunk))
  const width = 2 ** Math.ceil(Math.log2(chunks.length))
  while (level.length < width) level.push(new Uint8Array(32))
  while (level.length > 1) {
    level = level.flatMap((left, i) => (i % 2 === 0 ? [node(left, level[i + 1] ?? new Uint8Array(32))] : []))
  }
  return level[0] ?? new Uint8Array(32)
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const count = Math.max(1, Math.ceil(bytes.length / size))
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
}

test('the root is that of the tree in the specification', () => {
  fc.assert(
    fc.property(bytesUpTo(300), fc.integer({ min: 1, max: 40 }), (bytes, size) => {
      expect(merkleRoot(bytes, size)).toBe(bytesToHex(slowRoot(cut(bytes, size))))
    }),
  )
})

test('content of one chunk is its leaf, and empty content is one empty chunk', () => {
  expect(contentHash(new Uint8Array(1024).fill(7))).toBe(bytesToHex(leaf(0, new Uint8Array(1024).fill(7))))
  expect(contentHash(new Uint8Array(0))).toBe(bytesToHex(leaf(0, new Uint8Array(0))))
})

test('every chunk can be proven, and no proof holds for another index, chunk, count or root', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 40 }),
      fc.nat(),
      (bytes, size, pick) => {
        const root = merkleRoot(bytes, size)
        const proof = proveChunk(bytes, size, pick % cut(bytes, size).length)
        expect(verifyChunk(root, proof)).toBe(true)
        expect(verifyChunk(root, { ...proof, index: proof.index + 1 })).toBe(false)
        expect(verifyChunk(root, { ...proof, chunk: concatBytes(proof.chunk, Uint8Array.of(0)) })).toBe(false)
        expect(verifyChunk(root, { ...proof, count: proof.count * 2 })).toBe(false)
        expect(verifyChunk(root, { ...proof, siblings: [...proof.siblings, new Uint8Array(32)] })).toBe(false)
        expect(verifyChunk(contentHash(concatBytes(bytes, Uint8Array.of(1))), proof)).toBe(false)
      },
    ),
  )
})

test('an index of an absent leaf is refused, even where the zeros prove it', () => {
  const bytes = new Uint8Array(3).fill(1)
  const proof = proveChunk(bytes, 1, 2)
  expect(verifyChunk(merkleRoot(bytes, 1), { ...proof, index: 3 })).toBe(false)
  expect(verifyChunk(merkleRoot(bytes, 1), { ...proof, index: -1 })).toBe(false)
  expect(() => proveChunk(bytes, 1, 3)).toThrow(FormatError)
  expect(() => merkleRoot(bytes, 0)).toThrow(FormatError)
})

test('the hash in turns is the same, and long content takes turns', async () => {
  let turns = 0
  const turn = async () => {
    turns++
  }
  for (const length of [0, 1, 1_024, 1_025, 5_000, 100_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i % 253)
    expect(await contentHashInTurns(bytes, turn)).toBe(contentHash(bytes))
  }
  expect(turns).toBe(0)
  await contentHashInTurns(new Uint8Array(1024 * 1024), turn)
  expect(turns).toBeGreaterThan(2)
})
