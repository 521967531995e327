import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToHex, concatBytes, FormatError, uintBytes } from '../../protocol/bytes.ts'
import { tokenCountRoot, tokenListRoot, tokenTreeRoot } from '../../protocol/token-list.ts'

const sha256 = (...parts: Uint8Array[]) =>
  new Uint8Array(
    createHash('sha256')
      .update(concatBytes(...parts))
      .digest(),
  )
const tokens = fc.array(fc.nat(0xffff_ffff), { maxLength: 400 })

/** The tree as docs/MONEY.md §2 defines it, from the top: the left part is the largest power of two below the whole. */
function treeRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves
  if (first === undefined) return new Uint8Array(32)
  if (leaves.length === 1) return first
  const left = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1)
  return sha256(Uint8Array.of(1), treeRoot(leaves.slice(0, left)), treeRoot(leaves.slice(left)))
}

test('the root is that of the tree drawn from the top', () => {
  fc.assert(
    fc.property(tokens, (list) => {
      const chunks = Array.from({ length: Math.ceil(list.length / 32) }, (_, i) => list.slice(32 * i, 32 * i + 32))
      const leaves = chunks.map((chunk, i) =>
        sha256(Uint8Array.of(0), uintBytes(i, 4), ...chunk.map((token) => uintBytes(token, 4))),
      )
      expect(tokenTreeRoot(list)).toEqual(treeRoot(leaves))
      expect(tokenListRoot(list)).toEqual(sha256(Uint8Array.of(2), uintBytes(list.length, 4), treeRoot(leaves)))
    }),
    { numRuns: 300 },
  )
})

test('any other list, and any other count over the same tree, has another root', () => {
  fc.assert(
    fc.property(tokens, fc.nat(), (list, at) => {
      const root = bytesToHex(tokenListRoot(list))
      expect(bytesToHex(tokenListRoot([...list, 0]))).not.toBe(root)
      expect(bytesToHex(tokenCountRoot(list.length + 1, tokenTreeRoot(list)))).not.toBe(root)
      if (list.length === 0) return
      const changed = list.map((token, i) => (i === at % list.length ? token ^ 1 : token) >>> 0)
      expect(bytesToHex(tokenListRoot(changed))).not.toBe(root)
    }),
  )
})

test('golden roots, made by another program', () => {
  expect(bytesToHex(tokenListRoot([]))).toBe('0x22689034dd7977d019ec4fc2606eddaad978a0e5e7cba9a2712a549341c46ca9')
  expect(bytesToHex(tokenListRoot(Uint32Array.from({ length: 100 }, (_, i) => i * 0x01020304)))).toBe(
    '0x8e19627d79d8019e7727147d0d15cd0a1a472a2f91e1fc2f4dd3a079ddbd7b22',
  )
})

test('what is not u32 is no token', () => {
  for (const token of [-1, 2 ** 32, 0.5, Number.NaN]) expect(() => tokenListRoot([token])).toThrow(FormatError)
})
