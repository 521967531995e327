import { createMerkleProof, createMPT, type MerklePatriciaTrie } from '@ethereumjs/mpt'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToHex, equalBytes, FormatError } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { rlpEncode, rlpUint } from '../../protocol/rlp.ts'
import { verifyAccountProof, verifyTrieProof } from '../../protocol/trie-proof.ts'
import { emptyTrieRoot, trieRoot } from '../../protocol/trie-root.ts'
import { bytesOf } from '../fakes/arbitraries.ts'

const entries = fc.uniqueArray(fc.tuple(bytesOf(3), fc.uint8Array({ minLength: 1, maxLength: 40 })), {
  minLength: 1,
  maxLength: 30,
  selector: ([key]) => bytesToHex(key),
})

/** Nodes below 32 bytes stand in their parent; that library lists them once more, servers do not. */
async function proofOf(trie: MerklePatriciaTrie, key: Uint8Array): Promise<Uint8Array[]> {
  const nodes = await createMerkleProof(trie, key)
  return nodes.filter((node, index) => index === 0 || node.length >= 32)
}

test("proofs of another implementation's trie hold for what is there and for what is not", async () => {
  await fc.assert(
    fc.asyncProperty(entries, bytesOf(3), async (pairs, absent) => {
      const trie = await createMPT()
      for (const [key, value] of pairs) await trie.put(key, value)
      expect(bytesToHex(trieRoot(pairs))).toBe(bytesToHex(trie.root()))
      for (const [key, value] of pairs) {
        expect(verifyTrieProof(trie.root(), key, await proofOf(trie, key))).toEqual(value)
      }
      const expected = pairs.find(([key]) => equalBytes(key, absent))?.[1]
      expect(verifyTrieProof(trie.root(), absent, await proofOf(trie, absent))).toEqual(expected)
    }),
    { numRuns: 60 },
  )
})

test('a proof that is changed, cut or padded proves nothing', async () => {
  await fc.assert(
    fc.asyncProperty(entries, fc.nat(), fc.nat(), async (pairs, node, byte) => {
      const trie = await createMPT()
      for (const [key, value] of pairs) await trie.put(key, value)
      const key = pairs[0]?.[0] ?? new Uint8Array(3)
      const proof = await proofOf(trie, key)
      const bad = proof.map((one) => one.slice())
      const target = bad[node % bad.length] ?? new Uint8Array(1)
      target[byte % target.length] = (target[byte % target.length] ?? 0) ^ 1
      expect(() => verifyTrieProof(trie.root(), key, bad)).toThrow(FormatError)
      expect(() => verifyTrieProof(trie.root(), key, proof.slice(0, -1))).toThrow(FormatError)
      expect(() => verifyTrieProof(trie.root(), key, [...proof, proof[0] ?? key])).toThrow(FormatError)
    }),
    { numRuns: 40 },
  )
})

test('the empty trie has nothing', () => {
  expect(verifyTrieProof(emptyTrieRoot, new Uint8Array(32), [])).toBeUndefined()
  expect(() => verifyTrieProof(keccak256(Uint8Array.of(1)), new Uint8Array(32), [])).toThrow(FormatError)
})

test('every claim about an account is checked', async () => {
  const address = new Uint8Array(20).fill(5)
  const slot = new Uint8Array(32).fill(6)
  const storage = await createMPT()
  await storage.put(keccak256(slot), rlpEncode(rlpUint(99n)))
  const codeHash = keccak256(Uint8Array.of(0))
  const state = await createMPT()
  await state.put(keccak256(address), rlpEncode([rlpUint(3n), rlpUint(4n), storage.root(), codeHash]))
  const hexes = (nodes: readonly Uint8Array[]) => nodes.map(bytesToHex)
  const storageProof = [
    { key: bytesToHex(slot), value: '0x63', proof: hexes(await createMerkleProof(storage, keccak256(slot))) },
    {
      key: '0x1',
      value: '0x0',
      proof: hexes(await createMerkleProof(storage, keccak256(new Uint8Array(32).with(31, 1)))),
    },
  ]
  const answer = {
    address: bytesToHex(address),
    nonce: '0x3',
    balance: '0x4',
    storageHash: bytesToHex(storage.root()),
    codeHash: bytesToHex(codeHash),
    accountProof: hexes(await createMerkleProof(state, keccak256(address))),
    storageProof,
  }
  expect(verifyAccountProof(state.root(), answer).slots.map(({ value }) => value)).toEqual([99n, 0n])
  const lies = [
    { nonce: '0x4' },
    { balance: '0x5' },
    { storageHash: bytesToHex(emptyTrieRoot) },
    { codeHash: bytesToHex(emptyTrieRoot) },
    { storageProof: [{ ...storageProof[0], value: '0x64' }] },
    { storageProof: [{ ...storageProof[1], value: '0x1' }] },
    { address: bytesToHex(new Uint8Array(20).fill(7)) },
  ]
  for (const lie of lies) expect(() => verifyAccountProof(state.root(), { ...answer, ...lie })).toThrow(FormatError)
})
