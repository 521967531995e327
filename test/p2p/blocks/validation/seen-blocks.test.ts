import { expect, test } from 'vitest'
import { heightsMax, SeenBlocks } from '../../../../p2p/blocks/validation/seen-blocks.ts'
import { hash } from '../../../fakes/rollup-config.ts'

test('at one height six blocks are taken, the seventh is too many', () => {
  const seen = new SeenBlocks()
  expect(Array.from({ length: 8 }, (_, i) => seen.add(5n, hash(i)))).toEqual([
    ...Array.from({ length: 6 }, () => 'new'),
    'too-many',
    'too-many',
  ])
  // As op-node: the count is looked at before the hash.
  expect(seen.add(5n, hash(0))).toBe('too-many')
  expect(seen.add(6n, hash(0))).toBe('new')
  expect(seen.add(6n, hash(0))).toBe('seen')
})

test('heights are forgotten, the longest unused first', () => {
  const seen = new SeenBlocks()
  seen.add(0n, hash(1))
  for (let n = 1; n < heightsMax; n++) seen.add(BigInt(n), hash(1))
  expect(seen.add(0n, hash(1))).toBe('seen')
  seen.add(5_000n, hash(1))
  expect(seen.add(0n, hash(1))).toBe('seen')
  expect(seen.add(1n, hash(1))).toBe('new')
})
