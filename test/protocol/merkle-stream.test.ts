import { expect, test } from 'vitest'
import { merkleRootOf } from '../../protocol/content-hash.ts'
import { MerkleStream } from '../../protocol/merkle-stream.ts'

test('items one after another have the root that they have together', () => {
  const items: Uint8Array[] = []
  const stream = new MerkleStream()
  for (let i = 0; i < 70; i++) {
    const item = Uint8Array.from({ length: i % 5 }, () => i)
    items.push(item)
    stream.push(item)
    expect(stream.root()).toEqual(merkleRootOf(items))
  }
})

test('no items have no root', () => {
  expect(() => new MerkleStream().root()).toThrow('no leaves')
})
