import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MissingNodeError } from '../../../../../node/engine/embedded/errors.ts'
import { Trie } from '../../../../../node/engine/embedded/state/trie.ts'
import { bytesToHex } from '../../../../../protocol/bytes.ts'
import { verifyTrieProof } from '../../../../../protocol/trie-proof.ts'
import { emptyTrieRoot, trieRoot } from '../../../../../protocol/trie-root.ts'

/** A store as the database is one: a node is found at its path only, and is gone when it is deleted. */
class Nodes {
  readonly entries = new Map<string, Uint8Array>()

  readonly read = (path: Uint8Array, hash: Uint8Array) => this.entries.get(placeOf(path, hash))

  commit(trie: Trie): Uint8Array {
    const stale: string[] = []
    const root = trie.commit({
      born: (path, hash, raw) => this.entries.set(placeOf(path, hash), raw),
      stale: (path, hash) => stale.push(placeOf(path, hash)),
    })
    for (const place of stale) this.entries.delete(place)
    return root
  }
}

const placeOf = (path: Uint8Array, hash: Uint8Array) => `${bytesToHex(path)}/${bytesToHex(hash)}`

/** Keys that share long prefixes and short values, so that extensions and embedded nodes come up. */
const key = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 31 }), fc.integer({ min: 0, max: 3 }))
  .map(([first, at, last]) => {
    const bytes = new Uint8Array(32)
    bytes[0] = first << 4
    bytes[at] = (bytes[at] ?? 0) ^ last
    return bytes
  })
const value = fc.uint8Array({ minLength: 1, maxLength: 40 })
const change = fc.record({ key, value: fc.option(value, { nil: undefined, freq: 2 }) })
const blocks = fc.array(fc.array(change, { maxLength: 12 }), { minLength: 1, maxLength: 8 })

test('after any puts and deletes the root is that of the trie built from its entries alone', () => {
  fc.assert(
    fc.property(blocks, fc.boolean(), (sequence, forgets) => {
      const nodes = new Nodes()
      const expected = new Map<string, readonly [Uint8Array, Uint8Array]>()
      const trie = new Trie(nodes.read, emptyTrieRoot)
      for (const block of sequence) {
        for (const entry of block) apply(trie, expected, entry)
        const root = nodes.commit(trie)
        expect(bytesToHex(root)).toBe(bytesToHex(trieRoot(expected.values())))
        if (forgets) trie.forget()
      }
    }),
    { numRuns: 400 },
  )
})

test('when stale nodes are deleted, the last trie is whole and nothing else is left', () => {
  fc.assert(
    fc.property(blocks, (sequence) => {
      const nodes = new Nodes()
      const expected = new Map<string, readonly [Uint8Array, Uint8Array]>()
      let root = emptyTrieRoot
      for (const block of sequence) {
        const trie = new Trie(nodes.read, root)
        for (const entry of block) apply(trie, expected, entry)
        root = nodes.commit(trie)
      }
      const read = new Set<string>()
      const reader = new Trie((path, hash) => {
        read.add(placeOf(path, hash))
        return nodes.read(path, hash)
      }, root)
      for (const [wanted, found] of expected.values()) expect(reader.get(wanted)).toEqual(found)
      reader.clear()
      expect([...nodes.entries.keys()].sort()).toEqual([...read].sort())
    }),
    { numRuns: 300 },
  )
})

test('a copy is not changed by changes to the other', () => {
  const nodes = new Nodes()
  const trie = new Trie(nodes.read, emptyTrieRoot)
  for (let i = 0; i < 50; i++) trie.put(new Uint8Array(32).fill(i), Uint8Array.of(1))
  const root = nodes.commit(trie)
  const copy = trie.copy()
  for (let i = 0; i < 50; i += 2) copy.delete(new Uint8Array(32).fill(i))
  copy.put(new Uint8Array(32).fill(1), Uint8Array.of(2))
  expect(trie.get(new Uint8Array(32).fill(0))).toEqual(Uint8Array.of(1))
  expect(trie.get(new Uint8Array(32).fill(1))).toEqual(Uint8Array.of(1))
  expect(nodes.commit(trie)).toEqual(root)
})

test('all values are there in the order of their keys, also of a trie read from the store', () => {
  const nodes = new Nodes()
  const trie = new Trie(nodes.read, emptyTrieRoot)
  expect([...trie.values()]).toEqual([])
  for (const i of [7, 3, 200, 0, 16, 17]) trie.put(new Uint8Array(32).fill(i), new Uint8Array(40).fill(i + 1))
  const root = nodes.commit(trie)
  const sorted = [0, 3, 7, 16, 17, 200].map((i) => new Uint8Array(40).fill(i + 1))
  expect([...trie.values()]).toEqual(sorted)
  expect([...new Trie(nodes.read, root).values()]).toEqual(sorted)
})

test('proofs verify, of what is there and of what is not', () => {
  const nodes = new Nodes()
  const trie = new Trie(nodes.read, emptyTrieRoot)
  for (let i = 0; i < 40; i++) trie.put(new Uint8Array(32).fill(i * 5), Uint8Array.of(i + 1))
  const root = nodes.commit(trie)
  const there = new Uint8Array(32).fill(35)
  expect(verifyTrieProof(root, there, trie.proof(there))).toEqual(Uint8Array.of(8))
  const absent = new Uint8Array(32).fill(36)
  expect(verifyTrieProof(root, absent, trie.proof(absent))).toBeUndefined()
})

test('a node that is not in the store is an error that says so, never an absent value', () => {
  const nodes = new Nodes()
  const trie = new Trie(nodes.read, emptyTrieRoot)
  for (let i = 0; i < 40; i++) trie.put(new Uint8Array(32).fill(i), Uint8Array.of(1))
  const root = nodes.commit(trie)
  nodes.entries.clear()
  expect(() => new Trie(nodes.read, root).get(new Uint8Array(32))).toThrow(MissingNodeError)
})

function apply(
  trie: Trie,
  expected: Map<string, readonly [Uint8Array, Uint8Array]>,
  entry: { key: Uint8Array; value: Uint8Array | undefined },
): void {
  const name = bytesToHex(entry.key)
  if (entry.value === undefined) {
    trie.delete(entry.key)
    expected.delete(name)
  } else {
    trie.put(entry.key, entry.value)
    expected.set(name, [entry.key, entry.value])
  }
}
